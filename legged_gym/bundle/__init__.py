"""What a policy bundle is: the fields of bundle.yaml and the arrays beside it. Imports neither torch nor mujoco."""
