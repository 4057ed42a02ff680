skypact pact v1
0 schema 1
1.1 party civil "Civil Aviation Authority" log-key=skypact.link/civil+7ac19925+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c cosign-key=skypact.link/civil+b1cf5870+BNYvAWoe/R5P33k+tCzYRHHhup8M8E0Sh7XMcfYWKHy4 tls-spki-sha256=0101010101010101010101010101010101010101010101010101010101010101 desk="+41 31 000 00 00, 121.5 MHz"
1.2 party north "Northern Air Command" log-key=skypact.link/north+1054dd24+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU cosign-key=skypact.link/north+326f9a71+BDS02QQxVsttzwvrCilJt1WclA0ry22+jFOpswJ446dG tls-spki-sha256=0202020202020202020202020202020202020202020202020202020202020202 desk="+41 31 000 00 00, 121.5 MHz"
1.3 party south "south Air Force" log-key=skypact.link/south+80b0f2c5+Ae1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR cosign-key=skypact.link/south+01c4f0a5+BBKkFZLIt8F9QFnnspth6P+Wx0FfL4AzSPLwF+BbnqHa tls-spki-sha256=0303030303030303030303030303030303030303030303030303030303030303 desk="+41 31 000 00 00, 121.5 MHz"
2.1 area polygon 45.6,5.8 45.6,10.6 47.9,10.6 47.9,5.8
2.2 levels FL050 to FL660
3.1 valid 2026-01-01T00:00:00Z to 2026-12-31T23:59:59Z
4.1 minima any any 5 NM 1000 ft 300 s
4.2 minima any humanitarian 8 NM 3000 ft 300 s
4.3 minima civil military 10 NM 2000 ft 300 s
4.4 minima military humanitarian 20 NM 2000 ft 600 s
4.5 minima uas uas 0.5 NM 400 ft 60 s
5.1 alarm 120 s
6.1 notice activation 259200 s
6.2 notice hazard 86400 s
7.1 acknowledge FLASH 60 s
7.2 acknowledge IMMEDIATE 300 s
7.3 acknowledge PRIORITY 1800 s
7.4 acknowledge ROUTINE 14400 s
12.1 mode live
13.1 checkpoint 100 ms busy 1000 ms idle
13.2 clock 1000 ms warn 5000 ms refuse
13.8 checkpoints shared
18.1 rate tracks 6000 a minute burst 6000
18.2 rate urgent 30 a minute burst 64
