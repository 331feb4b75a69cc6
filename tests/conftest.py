"""Every async test runs on asyncio and on trio, on virtual time unless it is marked real_time."""
