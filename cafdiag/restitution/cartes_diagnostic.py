"""Les quatre cartes d'un diagnostic : couverture par EPCI, enfants et équipements, accès, vie sociale."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

import pandas as pd

from cafdiag.donnees import table_communes
from cafdiag.donnees.grandeurs import plus_recent
from cafdiag.indicateurs import annees_disponibles, dictionnaire, mesurer_maille
from cafdiag.indicateurs.enfance import acces_par_commune
from cafdiag.restitution.bloc import Bloc, Donnees
from cafdiag.restitution.cartes import Fond, carte_communes
from cafdiag.restitution.classes import par_seuils
from cafdiag.restitution.socle_cartes import CLEF_DES_COMMUNES, CLEF_DES_TAUX
from cafdiag.restitution.structures import (
    ce_que_vaut_la_liste,
    registre_complet,
    source_dite,
    structures_montrees,
)
from cafdiag.restitution.vues import (
    COMMUNES_MAXIMUM,
    carte,
    contour_du_territoire,
    contours_de,
    date_des,
    fonds_de_contexte,
)
from cafdiag.territoires.referentiel import POPULATION

_SANS_CARTE = Bloc("")
ETIQUETTES_DISTANCE = ("dans la commune", "moins de 3 km", "de 3 à 5 km", "de 5 à 8 km", "8 km et plus")


class CartesDuDiagnostic:
    """Cartes d'un territoire ; garde les mesures qu'elles montrent, pour les joindre au rapport."""

    def __init__(self, donnees: Donnees) -> None:
        self.donnees = donnees
        self._montrees: list[pd.DataFrame] = []

    def mesures_affichees(self) -> pd.DataFrame:
        """Mesures communales montrées par les cartes."""
        return pd.concat(self._montrees, ignore_index=True) if self._montrees else pd.DataFrame()

    @property
    def _par_commune(self) -> bool:
        return 1 < len(self.donnees.territoire.communes) <= COMMUNES_MAXIMUM

    def _mesurer(self, codes: list[str]) -> pd.DataFrame:
        return mesurer_maille(
            "commune",
            codes,
            codes=self.donnees.territoire.communes,
            annee=self.donnees.annee,
            apports=self.donnees.apports,
            options=self.donnees.options,
        )

    @cached_property
    def _fonds(self) -> dict:
        """Contours et voisinage, lus une fois pour les trois cartes communales."""
        table = table_communes(self.donnees.apports)
        codes = list(self.donnees.territoire.communes)
        contours = contours_de("commune", codes, noms=table["nom"])
        return {
            "contours": contours,
            "importance": table.reindex(contours["code"])[POPULATION].astype("float64").tolist(),
            "contexte": fonds_de_contexte(self.donnees.territoire),
            "surligner": contour_du_territoire(self.donnees.territoire),
            "nom_surligne": self.donnees.nom,
        }

    def _commun(self) -> dict:
        return dict(self._fonds)

    def couverture(self):
        """Carte 1 : taux global des EPCI, en bandes rapportées à la France."""
        annee = self.donnees.annee
        if annee is not None and annee not in annees_disponibles("PE_TXCOUV_GLOBAL"):
            return _SANS_CARTE
        return carte(self.donnees.territoire, CLEF_DES_TAUX, annee=annee)

    def jeunes_enfants(self):
        """Carte 2 : enfants de moins de 3 ans en cercles ; là où ils manquent, la population."""
        if not self._par_commune:
            return _SANS_CARTE
        code = "PE_ENF_M3" if self.donnees.lecture.connu("PE_ENF_M3") else "CTX_POP"
        mesures = self._mesurer([code])
        if mesures["valeur"].isna().all():
            return _SANS_CARTE
        self._montrees.append(mesures)
        ligne = dictionnaire().loc[code]
        commun = self._commun()
        titre = (
            "Où vivent les enfants de moins de 3 ans" if code == "PE_ENF_M3" else "Où vivent les habitants"
        )
        return carte_communes(
            commun.pop("contours"),
            titre=f"{titre}, {date_des(mesures)}",
            source=f"{ligne['source']}, {date_des(mesures)}",
            cercles=mesures,
            clef=CLEF_DES_COMMUNES,
            libelle_cercles=ligne["libelle_court"],
            unite_cercles=ligne["unite"],
            **commun,
        )

    def alsh(self):
        """Carte 3 : distance de chaque commune au plus proche accueil de loisirs connu."""
        if not self._par_commune or not self.donnees.lecture.connu("EJ_ALSH_PART_COM_EQUIP"):
            return _SANS_CARTE
        table = table_communes(self.donnees.apports)
        codes = list(self.donnees.territoire.communes)
        equipement = plus_recent(table, "bpe{*}_alsh").astype("float64")
        acces = acces_par_commune(
            table, equipement, seuil_km=self.donnees.options.distance_alsh_km, cibles=pd.Index(codes)
        )
        annee = _annee_des_equipements(table, codes)
        mesures = _mesures_de_distance(acces, table, codes, annee=annee)
        self._montrees.append(mesures)
        # La première classe, [0 ; 0,01[, est celle des communes équipées ; elle existe même s'il n'y en a aucune.
        classes = replace(
            par_seuils([0.0, *mesures["valeur"].dropna()], seuils=[0.01, 3, 5, 8], unite="km"),
            etiquettes=ETIQUETTES_DISTANCE,
        )
        commun = self._commun()
        return carte_communes(
            commun.pop("contours"),
            titre="À quelle distance est l'accueil de loisirs (ALSH) le plus proche ?",
            sous_titre="À vol d'oiseau, entre points centraux de communes",
            source=f"Insee, base permanente des équipements, {annee}",
            clef="alsh",
            fond=mesures,
            libelle_fond="Distance à l'ALSH le plus proche",
            unite_fond="km",
            classes_fond=classes,
            **commun,
        )

    def vie_sociale(self):
        """Carte 4 : centres sociaux, EVS, France services ; quartiers prioritaires si leurs contours sont là."""
        if not self._par_commune:
            return _SANS_CARTE
        ici = structures_montrees(self.donnees)
        situees = ici[ici["lon"].notna() & ici["lat"].notna()]
        if situees.empty:
            return _SANS_CARTE
        commun = self._commun()
        contours = commun.pop("contours")
        if self.donnees.apports.qpv is not None:
            dedans = self.donnees.apports.qpv[self.donnees.apports.qpv.intersects(contours.union_all())]
            if len(dedans):
                commun["contexte"] = [
                    *commun["contexte"],
                    Fond(
                        dedans[["code", "nom", "geometry"]],
                        libelle="Quartier prioritaire (QPV)",
                        trait="quartier",
                        infobulle=True,
                    ),
                ]
        sans_point = len(ici) - len(situees)
        partielle = not registre_complet(self.donnees)
        precision = f"Centres sociaux et EVS : {ce_que_vaut_la_liste(ici)}." if partielle else ""
        if sans_point:
            precision += (
                f" {sans_point} structure{'s' if sans_point > 1 else ''} sans coordonnées, non placée"
                + ("s." if sans_point > 1 else ".")
            )
        return carte_communes(
            contours,
            titre="Les lieux de l'animation de la vie sociale et de l'accès aux droits",
            sous_titre=precision.strip(),
            source=source_dite(situees),
            points=situees,
            clef="vie_sociale",
            **commun,
        )


def _annee_des_equipements(table: pd.DataFrame, codes: list[str]) -> int:
    """Dernière année de la base des équipements qui renseigne une des communes."""
    colonnes = sorted((c for c in table.columns if re.fullmatch(r"bpe\d{4}_alsh", c)), reverse=True)
    connues = [c for c in colonnes if table[c].reindex(codes).notna().any()]
    return int((connues or colonnes)[0][3:7])


def _mesures_de_distance(
    acces: pd.DataFrame, table: pd.DataFrame, codes: list[str], *, annee: int
) -> pd.DataFrame:
    """Distances mises en Mesures : statut ``estime`` à vol d'oiseau, muettes si une commune voisine est inconnue."""
    distance = acces["distance_km"].reindex(codes)
    equipee = plus_recent(table, "bpe{*}_alsh").reindex(codes)
    connue = distance.notna() & equipee.notna()
    motif = (
        acces["majorant"]
        .reindex(codes)
        .map(
            {
                True: "au plus cette distance : une commune voisine plus proche n'est pas renseignée",
                False: "à vol d'oiseau, entre points centraux de communes",
            }
        )
    )
    return pd.DataFrame(
        {
            "territoire": codes,
            "nom": table["nom"].reindex(codes).to_numpy(),
            "maille": "commune",
            "indicateur": "EJ_ALSH_DISTANCE",
            "libelle": "Distance à l'ALSH connu le plus proche",
            "annee": annee,
            "valeur": distance.where(connue).to_numpy(),
            "modalite": "",
            "unite": "km",
            "numerateur": float("nan"),
            "denominateur": float("nan"),
            "bas": float("nan"),
            "haut": float("nan"),
            "statut": connue.map({True: "estime", False: "non_disponible"}).to_numpy(),
            "motif": motif.where(connue, "équipement non renseigné pour la commune").to_numpy(),
            "maille_source": "commune",
            "source": "Insee, base permanente des équipements",
            "millesime": str(annee),
        }
    )
