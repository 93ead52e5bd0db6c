"""Keep this machine's losses as the reference of its type of device."""

from tests.training import golden

golden.losses().to_csv(golden.path(), float_format="%.7g")
print(f"Wrote {golden.path().name}; read its diff before you commit it.")
