"""What a browser calls itself, short enough for the list of sessions. A guess to recognise it by, never a proof."""

from __future__ import annotations

import re

# The first that fits counts: every Chromium says Chrome and Safari too. WeCom's own word is wxwork (WeCom doc 90315).
_BROWSERS = (
    ("WeCom", re.compile(r"\bwxwork/(\d+(?:\.\d+)?)", re.IGNORECASE)),
    ("WeChat", re.compile(r"\bMicroMessenger/(\d+(?:\.\d+)?)", re.IGNORECASE)),
    ("Edge", re.compile(r"\bEdg(?:A|iOS)?/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:Headless)?(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+)[\d.]* .*Safari/")),
)
_SYSTEMS = (
    ("HarmonyOS", "harmony"),
    ("Android", "android"),
    ("iOS", "iphone"),
    ("iOS", "ipad"),
    ("Windows", "windows"),
    ("macOS", "mac os x"),
    ("Linux", "linux"),
)


def is_wecom(user_agent: str) -> bool:
    """Say whether the page is open inside the WeCom client, which logs its members in by itself."""
    return bool(_BROWSERS[0][1].search(user_agent))


def name_of(user_agent: str) -> str:
    """Return browser and system, e.g. "Chrome 131 · Windows"; empty for one that is none of those we know."""
    found = ((name, pattern.search(user_agent)) for name, pattern in _BROWSERS)
    browser = next((f"{name} {match[1]}" for name, match in found if match), "")
    lower = user_agent.lower()
    system = next((name for name, sign in _SYSTEMS if sign in lower), "")
    return " · ".join(filter(None, (browser, system)))
