"""The WeCom channel. The platform's own words (errcode, OpenKfId, XML) stay inside this package."""
