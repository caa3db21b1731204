"""The message archive (会话存档) through the platform's own library, in a process of its own."""
