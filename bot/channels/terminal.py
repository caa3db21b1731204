"""The terminal as a channel: what would reach the customer is printed. For `guanjia chat`.

Has the sending half of wecom/kf.py, so that the outbox cannot tell them apart. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.platform import MenuClick, MenuItem, MenuLink


class Terminal:
    """Prints with `write`; every message is accepted. `menu` keeps the last menu's tappable lines in order."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self.menu: list[MenuClick] = []

    async def send_text(self, account_id: str, customer_id: str, msgid: str, text: str) -> None:
        """Print a text."""
        self._write(text)

    async def send_menu(
        self,
        account_id: str,
        customer_id: str,
        msgid: str,
        head: str,
        items: Sequence[MenuItem],
        tail: str = "",
    ) -> None:
        """Print a menu; tappable lines are numbered so that a number picks one."""
        self.menu = [item for item in items if isinstance(item, MenuClick)]
        lines = [head, *map(self._line, items), tail]
        self._write("\n".join(filter(None, lines)))

    async def send_text_on_event(self, code: str, msgid: str, text: str) -> None:
        """Print a text."""
        self._write(text)

    async def send_menu_on_event(
        self, code: str, msgid: str, head: str, items: Sequence[MenuItem], tail: str = ""
    ) -> None:
        """Print a menu."""
        await self.send_menu("", "", msgid, head, items, tail)

    def _line(self, item: MenuItem) -> str:
        if isinstance(item, MenuClick):
            return f"  {self.menu.index(item) + 1}. {item.text}"
        return f"  {item.text} {item.url}" if isinstance(item, MenuLink) else f"  {item.text}"
