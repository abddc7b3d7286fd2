"""The demo: ten weeks of a small platform's life, told through the services with their clocks set back.

``cast`` says who takes part, ``markets`` brings markets of the invented world in, ``story`` lets it all happen. The
demo feed serves the same world, so what began here goes on when the platform runs.
"""
