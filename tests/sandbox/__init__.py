"""The sandbox, tested through HTTP and without a line of the application's code."""
