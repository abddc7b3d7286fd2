"""A world of simulated markets and players, to try the scorer on and to fill a demonstration.

``world.simulate(parameters=..., seed=...)`` is pure: the same parameters and seed give the same arrays with the same
numpy. Nothing here reads or writes a database. Who is informed stands in ``World.labels`` alone, which is meant for a
side file: no scorer may read it.

Times are int64 milliseconds since the epoch, UTC. Mids and prices are integers of 0.0001 dollars, quantities of 0.0001
shares, money of cents. Players, markets and operators are numbered from 0 in the order of their arrays.
"""
