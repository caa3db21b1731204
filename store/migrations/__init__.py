"""Schema changes, in pairs where a running replica must survive them: `pre_` (old code still runs), `post_`."""
