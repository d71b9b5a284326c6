"""Les pièces communes aux chapitres : chiffres clés, tableau des structures."""

from __future__ import annotations

import pandas as pd

from cafdiag.donnees.registres_champs import AGREMENTS
from cafdiag.magasin import lire_table
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.document import Chiffre, Chiffres, Suite
from cafdiag.restitution.formats import cle_de_tri, date_de, ponctuer
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.structures import ce_que_vaut_la_liste, registre_complet, structures_montrees
from cafdiag.restitution.tableaux import tableau

TYPES_ECRITS = {
    "centre_social": "Centre social",
    "evs": "EVS",
    "france_services": "France services",
    "laep": "LAEP",
    "rpe": "RPE",
}
_TROP_LONG = 60


def cles(lecture: MesuresLues, voulus: dict[str, str]) -> Suite:
    """Chiffres clés, et ce qui n'est qu'encadré ; ``{annee}`` est celle de chaque mesure, ou de ses termes."""
    dits = [
        Chiffre(
            ponctuer(lecture.texte(code, signe=code.endswith("_EVOL"))),
            ponctuer(intitule.format(annee=date_de(lecture.ligne(code))).replace(" ()", "").replace(" )", ")")),
        )
        for code, intitule in voulus.items()
        if lecture.connu(code) or lecture.bornes(code)
    ]
    return (Chiffres(tuple(dits)),) if dits else ()


def tableau_des_structures(donnees: Donnees, types: tuple[str, ...]) -> Suite:
    """Les structures nommées de ces types, une ligne chacune ; rien au-delà de soixante."""
    table = structures_montrees(donnees, types) if types else pd.DataFrame()
    if table.empty or len(table) > _TROP_LONG:
        return ()
    noms = lire_table("communes", colonnes=["code", "nom"]).set_index("code")["nom"]
    agrement = (
        table["statut_agrement"].astype("string").replace({c: libelle for c, (libelle, _) in AGREMENTS.items()})
        if "statut_agrement" in table
        else pd.Series(pd.NA, index=table.index, dtype="string")
    )
    defaut = (
        table["type"].map({"france_services": "labellisée (ANCT)"}).astype("string").fillna("registre local")
    )
    vue = pd.DataFrame(
        {
            "Structure": table["nom"],
            "Type": table["type"].map(TYPES_ECRITS),
            "Commune": table["code"].map(noms),
            "Agrément": agrement.fillna(defaut),
            "Source": table["source"],
        }
    )
    return (
        tableau(
            vue.sort_values(["Type", "Commune", "Structure"], key=lambda c: c.astype(str).map(cle_de_tri)),
            titre="Structures connues",
            precision=_precision(donnees, types, table),
        ),
    )


def _precision(donnees: Donnees, types: tuple[str, ...], table: pd.DataFrame) -> str:
    return "" if set(types) == {"france_services"} or registre_complet(donnees, types) else ce_que_vaut_la_liste(table)
