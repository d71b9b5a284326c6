"""Les mesures de tous les EPCI d'un département, leurs places et leurs lacunes."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import Options, dictionnaire
from cafdiag.indicateurs.comparaison import comparer_les_epci
from cafdiag.indicateurs.positions import positions
from cafdiag.restitution.accords import ordinal
from cafdiag.restitution.annexes import motif_du_lecteur
from cafdiag.restitution.formats import cle_de_tri, enumeration, nom_court, statut
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.themes import epci_du_departement
from cafdiag.territoires import Territoire

# Ce que montre le tableau ; un taux se classe, un effectif ne fait que se trier.
COLONNES = (
    "CTX_POP",
    "PE_ENF_M3",
    "PE_TXCOUV_GLOBAL",
    "PE_TXCOUV_EAJE",
    "PE_NAISS_EVOL",
    "EJ_ALSH_PART_COM_EQUIP",
    "PS_COUV_POP",
)


_BORNES = re.compile(r"^(?:au moins|au plus|entre) [^;]+ ; ")


class VueDepartementale:
    """Les mesures de tous les EPCI d'un département, calculées en une passe."""

    def __init__(
        self, departement: Territoire, *, apports: Apports | None = None, options: Options | None = None
    ) -> None:
        self.departement = departement
        self.options = options or Options()
        table = comparer_les_epci(departement, apports=apports, options=self.options)
        epci = table[table["role"].eq("epci")].drop(columns="role")
        if epci.empty:
            raise DemandeFausse(
                f"aucun EPCI dans {departement.libelle}", attendu="un département qui a des intercommunalités"
            )
        self.lecture = MesuresLues(table[table["role"].ne("epci")].reset_index(drop=True))
        self.mesures = table
        self.par_code = {
            code: g.set_index("territoire") for code, g in epci.groupby("indicateur", sort=False)
        }
        noms = epci.drop_duplicates("territoire").set_index("territoire")["nom"]
        self.noms = noms.loc[sorted(noms.index, key=lambda c: cle_de_tri(nom_court(noms[c])))]
        self.codes = list(self.noms.index)
        # Un EPCI à cheval n'a de rang que dans le département où vivent la plupart de ses habitants.
        self.siens = [c for c in self.codes if c in epci_du_departement(departement.code)]

    @property
    def colonnes(self) -> list[str]:
        """Indicateurs du tableau : ceux dont au moins un EPCI du département a le chiffre."""
        return [c for c in COLONNES if self.par_code[c].reindex(self.siens)["valeur"].notna().any()]

    @cached_property
    def places(self) -> dict[str, pd.DataFrame]:
        """Place de chaque EPCI parmi ceux de son département, par code : la règle des rapports, la même ici."""
        mesures = self.mesures[
            self.mesures["role"].eq("epci") & self.mesures["indicateur"].isin(self.colonnes)
        ]
        mesures = mesures[mesures["territoire"].isin(self.siens)]
        return {
            code: positions(siennes, mesures[mesures["territoire"].ne(code)])
            for code, siennes in mesures.groupby("territoire")
        }

    def rang(self, code: str, indicateur: str) -> str:
        """Rang d'un EPCI, « 2e » ou « 2e à 4e » s'il a des ex æquo ; vide si rien ne le départage, ou sans chiffre."""
        places = self.places.get(code)
        if places is None or indicateur not in places.index:
            return ""
        haut, bas, classes = places.loc[indicateur, ["rang_haut", "rang_bas", "classes"]]
        if pd.isna(haut) or (haut == 1 and bas == classes):
            return ""
        if haut == bas:
            return ordinal(haut)
        return f"{ordinal(haut)} {'ou' if bas == haut + 1 else 'à'} {ordinal(bas)}"

    def lacunes(self) -> pd.DataFrame:
        """Indicateurs inconnus d'au moins un EPCI du département ; « sans objet » n'est pas une lacune.

        Returns
        -------
        DataFrame
            ``theme, indicateurs, epci, pourquoi, qui, nombre, partout`` : une ligne par thème, raison et EPCI ;
            ``qui`` peut la donner ; ``nombre`` est celui des indicateurs.
        """
        lignes = []
        for code, table in self.par_code.items():
            ici = table.reindex(self.siens)
            manquants = ici[ici["statut"].isin(["secret", "non_disponible"])]
            if manquants.empty:
                continue
            partout = len(manquants) == len(ici)
            lignes.append(
                {
                    "theme": dictionnaire().loc[code, "theme"],
                    "indicateurs": dictionnaire().loc[code, "libelle"],
                    "epci": "toutes"
                    if partout
                    else enumeration([nom_court(self.noms[c]) for c in manquants.index]),
                    "pourquoi": " ; ".join(dict.fromkeys(r for m in manquants.itertuples() for r in _raisons(m))),
                    "qui": str(dictionnaire().loc[code, "a_apporter"]).partition(" : ")[0],
                    "partout": partout,
                    "epci_touches": len(manquants),
                }
            )
        cles = ["theme", "epci", "pourquoi", "partout", "epci_touches"]
        groupes = pd.DataFrame(lignes, columns=[*cles, "indicateurs", "qui"]).groupby(cles, sort=False)
        rendue = groupes.agg(
            indicateurs=("indicateurs", " ; ".join),
            nombre=("indicateurs", "size"),
            qui=("qui", lambda q: " ; ".join(dict.fromkeys(q))),
        ).reset_index()
        rendue = rendue.sort_values(
            ["epci_touches", "nombre"], ascending=False, kind="stable", ignore_index=True
        )
        return rendue.astype({"partout": bool}).drop(columns="epci_touches")


def _raisons(mesure: Any) -> list[str]:
    """Pourquoi une mesure est muette, clause par clause : ni ses bornes, propres à chaque territoire, ni la méthode."""
    dites = motif_du_lecteur(_BORNES.sub("", str(mesure.motif or ""))).split(" ; ")
    return [r for r in dites if r and not r.startswith("durée estimée")] or [statut(mesure.statut).libelle]
