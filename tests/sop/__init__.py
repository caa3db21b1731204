"""Tests of the group SOP: timetable, calendars, preview."""
