"""The pages for staff: conversations, cases, events, health. Entered by `routes.add_routes`; imports nothing of bot."""
