"""A frontend with broken scripts, for the negative controls.

`python -m tests.chaos.frontend SABOTAGE`
"""

import sys

from preimage_service.__main__ import main
from tests.chaos import sabotage

if __name__ == "__main__":
    sabotage.break_scripts(sys.argv[1])
    sys.exit(main())
