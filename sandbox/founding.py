"""Puts the departments, friends and groups of the settings into a new world; no event tells of those who are there."""

from __future__ import annotations

from sandbox import groups, relations
from sandbox.behaviour import Behaviour, Life
from sandbox.corp import Department
from sandbox.world import World


def found(world: World, behaviour: Behaviour) -> None:
    """Fill the corp. The settings have been checked: everybody they name is there."""
    for one in world.settings.departments:
        world.corp.departments[one.department_id] = Department(
            department_id=one.department_id,
            name=one.name,
            parent_id=one.parent_id,
            order=one.department_id,
            leaders=one.leaders,
        )
    for customer in world.settings.customers:
        for userid in customer.friends:
            relations.befriend(world, userid, customer.external_userid)
    for group in world.settings.groups:
        groups.create(
            world,
            group.owner,
            group.name,
            list(group.customers),
            members=list(group.members),
            chat_id=group.chat_id,
        )
        if group.joins:
            life = Life(
                joins=group.joins, join_hours=group.join_hours, days=group.days, friends=group.friends
            )
            behaviour.live(group.chat_id, life)
