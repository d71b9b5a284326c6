"""La répétition : jouer une fois le carnet dans la souche, pour que tables et calculs y soient déjà prêts.

Elle ne joue que ce qui est à cafdiag. Une cellule qui règle pandas, change l'environnement ou dessine
laisserait sa marque dans tous les carnets : elle attend son tour, dans chacun d'eux.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any


def repeter(gabarit: Path, parametres: dict[str, str]) -> list[int]:
    """Joue les cellules sûres d'un carnet, sans rien en garder que les mémoires internes des modules.

    Parameters
    ----------
    gabarit : Path
        Le carnet modèle.
    parametres : dict of str
        Valeurs qui remplacent celles de la cellule de paramètres.

    Returns
    -------
    list of int
        Rang des cellules jouées. Une cellule qui échoue est passée : sa faute se dira dans les carnets.
    """
    from IPython.core.formatters import DisplayFormatter

    afficher = DisplayFormatter().format
    espace: dict[str, Any] = {"__name__": "__main__"}
    surs: set[str] = set()
    jouees = []
    for rang, cellule in enumerate(json.loads(gabarit.read_text(encoding="utf-8"))["cells"]):
        if cellule["cell_type"] != "code":
            continue
        arbre = cellule_sure("".join(cellule["source"]), surs)
        if arbre is None:
            continue
        try:
            derniere = arbre.body[-1] if arbre.body else None
            if isinstance(derniere, ast.Expr):
                arbre.body.pop()
            exec(compile(arbre, "<répétition>", "exec"), espace)
            if isinstance(derniere, ast.Expr):
                afficher(eval(compile(ast.Expression(derniere.value), "<répétition>", "eval"), espace))
        except Exception:  # la vraie exécution dira cette faute, à sa place et pour son territoire
            continue
        jouees.append(rang)
        if "parameters" in cellule["metadata"].get("tags", []):
            espace |= parametres
    return jouees


def cellule_sure(source: str, surs: set[str]) -> ast.Module | None:
    """L'arbre d'une cellule qui ne touche qu'à cafdiag ; None sinon.

    Parameters
    ----------
    source : str
        La cellule.
    surs : set of str
        Noms connus pour être de cafdiag, ou des constantes ; complété par ce que la cellule définit.

    Examples
    --------
    >>> surs = set()
    >>> for cellule in ("import cafdiag as cd", "code = '53'", "d = cd.Diagnostic(code)", "d.garde()",
    ...                 "import pandas as pd", "pd.set_option('display.width', 9)", "d.x = 1", "print(d)"):
    ...     print(cellule_sure(cellule, surs) is not None, cellule)
    True import cafdiag as cd
    True code = '53'
    True d = cd.Diagnostic(code)
    True d.garde()
    False import pandas as pd
    False pd.set_option('display.width', 9)
    False d.x = 1
    False print(d)
    """
    try:
        arbre = ast.parse(source)
    except SyntaxError:
        return None
    nouveaux = set(surs)
    for instruction in arbre.body:
        if not _instruction_sure(instruction, nouveaux):
            return None
    surs |= nouveaux
    return arbre


def _instruction_sure(instruction: ast.stmt, surs: set[str]) -> bool:
    if isinstance(instruction, ast.Import):
        surs |= {alias.asname or alias.name for alias in instruction.names}
        return all(alias.name.split(".")[0] == "cafdiag" for alias in instruction.names)
    if isinstance(instruction, ast.ImportFrom):
        surs |= {alias.asname or alias.name for alias in instruction.names}
        return instruction.level == 0 and (instruction.module or "").split(".")[0] == "cafdiag"
    if isinstance(instruction, ast.Assign):
        cibles = {c.id for c in instruction.targets if isinstance(c, ast.Name)}
        if any(not isinstance(c, ast.Name) for c in instruction.targets) or not _valeur_sure(instruction.value, surs):
            return False
        surs |= cibles
        return True
    return isinstance(instruction, ast.Expr) and _valeur_sure(instruction.value, surs)


def _valeur_sure(valeur: ast.expr, surs: set[str]) -> bool:
    if isinstance(valeur, ast.Constant):
        return True
    if isinstance(valeur, ast.Name):
        return valeur.id in surs
    if isinstance(valeur, ast.Attribute):
        return not valeur.attr.startswith("_") and _valeur_sure(valeur.value, surs)
    if isinstance(valeur, ast.List | ast.Tuple):
        return all(_valeur_sure(v, surs) for v in valeur.elts)
    if isinstance(valeur, ast.Call):
        donnees = [*valeur.args, *(k.value for k in valeur.keywords)]
        return _valeur_sure(valeur.func, surs) and all(_valeur_sure(v, surs) for v in donnees)
    return False
