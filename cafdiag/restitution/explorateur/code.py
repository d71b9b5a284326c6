"""Le code Python d'une vue : ce qu'il faut écrire pour la retrouver, sans l'explorateur."""

from __future__ import annotations

from cafdiag.restitution.explorateur.etat import Etat


def code_de(etat: Etat) -> str:
    """Code exécutable qui redonne le territoire, la comparaison et la carte de cette vue.

    Parameters
    ----------
    etat : Etat
        Ce qui est montré.

    Returns
    -------
    str
        Il définit ``t`` (territoire), ``comparaison`` (table), ``carte``, et ``simulation`` si une cible est posée.

    Examples
    --------
    >>> print(code_de(Etat(references=("france",))))
    import cafdiag as cd
    <BLANKLINE>
    t = cd.territoire("200048551")  # CC du Pays de Craon
    indicateur = "PE_TXCOUV_GLOBAL"
    comparaison = cd.comparer(t, [indicateur])
    comparaison = comparaison[comparaison["role"].isin(["territoire", "france"])]
    carte = cd.carte(t, indicateur)
    """
    annee = "" if etat.annee is None else f", annee={etat.annee}"
    roles = ", ".join(_texte(role) for role in ("territoire", *etat.references))
    lieu = etat.territoire
    lignes = ["import cafdiag as cd", *(["import pandas as pd"] if etat.autres else []), ""]
    if etat.nom:
        codes = ", ".join(_texte(code) for code in lieu.communes)
        lignes.append(f"t = cd.perimetre({_texte(etat.nom)}, [{codes}])")
    else:
        lignes.append(f"t = cd.territoire({_texte(etat.cle)})  # {lieu.nom}")
    lignes += [
        f"indicateur = {_texte(etat.indicateur)}",
        f"comparaison = cd.comparer(t, [indicateur]{annee})",
        f'comparaison = comparaison[comparaison["role"].isin([{roles}])]',
    ]
    if etat.autres:
        autres = ", ".join(_texte(cle) for cle in etat.autres)
        lignes += [
            f"autres = [cd.mesurer(cle, [indicateur]{annee}) for cle in [{autres}]]",
            'comparaison = pd.concat([comparaison, *(a.assign(role="autre") for a in autres)], ignore_index=True)',
        ]
    lignes.append(f"carte = cd.carte(t, indicateur{annee})")
    if etat.cible is not None:
        lignes.append(f"simulation = cd.simuler(t, cible={etat.cible:g}, taux={_texte(etat.taux)})")
    return "\n".join(lignes)


def _texte(valeur: str) -> str:
    return '"' + valeur.replace("\\", "\\\\").replace('"', '\\"') + '"'
