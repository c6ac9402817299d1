"""`python -m normspec` is `normspec`."""

from normspec import main

raise SystemExit(main())
