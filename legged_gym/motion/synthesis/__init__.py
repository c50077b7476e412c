"""Clips of our own making: footsteps -> feet -> balance -> posture -> inverse kinematics -> `Clip`.

| file | gives |
|---|---|
| terrain.py | ground made of blocks, and its mesh |
| footsteps.py | where and when each foot stands, from a list of moves |
| walks.py | the moves of a steady walk |
| feet.py | the path of both feet between those places, with heel and toe roll |
| balance.py | zero-moment point (ZMP) reference and the centre-of-mass path that it demands |
| gestures.py | timed extras: arms, crouching, shifts of weight |
| posture.py | pelvis, waist and arms, as functions of what the feet do, and the extras |
| whole_body.py | joint angles by inverse kinematics (needs the extra [synthesis]) |
| dynamics.py | the ZMP that a finished motion really has |
| synthesize.py | all of the above in order |
| gaits.py | the clips that ship, by name; those on the spot in standing_gaits.py, on terrain in terrain_gaits.py |
| command_walks.py | walks whose velocity changes at random |
"""
