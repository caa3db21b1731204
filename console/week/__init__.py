"""The pages for customers of a group's first week, under /g/{page code}/.

Public, for phones and WeChat's own browser: no script, no login, no names. What they say are blocks of the enrolment's
frozen template (docs/sop.md, 给客户看的网页); what is counted is one random number per browser and group.
"""
