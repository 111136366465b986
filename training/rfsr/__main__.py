"""`python -m rfsr {prepare,teach,pretrain,synthesize,convert,finetune,plot,needs,export,verify,renew-restorer,costs,export-reward,golden,evaluate}`: one subcommand a module, imported only when asked for."""

import argparse
import importlib

COMMANDS = {
    "prepare": "rfsr.data",
    "teach": "rfsr.teach",
    "pretrain": "rfsr.pretrain",
    "synthesize": "rfsr.convert.synthesize",
    "convert": "rfsr.convert",
    "finetune": "rfsr.finetune",
    "plot": "rfsr.finetune.plots",
    "needs": "rfsr.finetune.needs",
    "export": "rfsr.export",
    "renew-restorer": "rfsr.export.renew_restorer",
    "verify": "rfsr.verify",
    "costs": "rfsr.export.renew_costs",
    "export-reward": "rfsr.export.reward",
    "golden": "rfsr.golden",
    "evaluate": "rfsr.evaluate",
}


def main() -> None:
    """Dispatches to the subcommand's `configure` and `main`."""
    parser = argparse.ArgumentParser(prog="rfsr", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    module = importlib.import_module(COMMANDS[chosen.command])
    inner = argparse.ArgumentParser(prog=f"rfsr {chosen.command}", description=module.__doc__)
    module.configure(inner)
    module.main(inner.parse_args(chosen.arguments))


if __name__ == "__main__":
    main()
