"""Lire des Mesures pour les dire : valeur, comparaison, écart, sans jamais faire parler un manquant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cafdiag.indicateurs import Confrontation
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.indicateurs.dates import dates
from cafdiag.indicateurs.hors_mayotte import HORS_MAYOTTE
from cafdiag.indicateurs.positions import se_distinguent
from cafdiag.restitution.accords import accorder
from cafdiag.restitution.formats import FINE, decimales_de, ecrire, intervalle, nombre, statut

ROLES = {
    "territoire": "le territoire",
    "departement": "le département",
    "region": "la région",
    "france": "la France",
    "comparables": "ses comparables",
}
# En deçà de cette part, ou au-delà de son complément, un chiffre est une évidence.
EVIDENCE = 0.5
# En deçà, une évolution (%) est dite stable, partout.
STABLE = {"PE_NAISS_EVOL": 1.0, "CTX_POP_EVOL": 0.5}


class MesuresLues:
    """Mesures d'un territoire et de ses références, interrogées par indicateur et par rôle.

    Parameters
    ----------
    mesures : DataFrame
        Sortie de :func:`cafdiag.indicateurs.comparer`.
    departement : str
        Comment nommer le département de comparaison (« la Mayenne » pour un territoire à cheval).
    confrontation : Confrontation, optional
        Les groupes parmi lesquels situer le territoire (:func:`cafdiag.indicateurs.confronter`).
    series : dict, optional
        Par indicateur, ses mesures de toutes les années (:func:`cafdiag.indicateurs.mesurer_serie`).
    """

    def __init__(
        self,
        mesures: pd.DataFrame,
        *,
        departement: str = "le département",
        confrontation: Confrontation | None = None,
        series: dict[str, pd.DataFrame] | None = None,
    ) -> None:
        self.mesures = mesures
        self.groupes = dict(confrontation.groupes) if confrontation else {}
        self.series = dict(series or {})
        self._confrontation = confrontation
        self._positions: dict[str, dict[str, dict]] = {}
        self.noms = {**ROLES, "departement": departement}
        self._lignes = {(ligne["indicateur"], ligne["role"]): ligne for ligne in mesures.to_dict("records")}

    def ligne(self, indicateur: str, role: str = "territoire") -> dict[Any, Any]:
        """La mesure ; vide si elle n'a pas été demandée."""
        return self._lignes.get((indicateur, role), {})

    def connu(self, indicateur: str, role: str = "territoire") -> bool:
        """Vrai si la mesure porte un chiffre."""
        ligne = self.ligne(indicateur, role)
        return bool(ligne) and statut(ligne["statut"]).chiffre and not pd.isna(ligne["valeur"])

    def comparable(self, indicateur: str, role: str) -> bool:
        """Vrai si la référence porte un chiffre, de la même date que celui du territoire."""
        if not self.connu(indicateur, role):
            return False
        ici = self.ligne(indicateur)
        return not self.connu(indicateur) or dates(ici) == dates(self.ligne(indicateur, role))

    def france(self, indicateur: str) -> str:
        """« France », ou « France hors Mayotte » si c'est d'elle qu'est le chiffre."""
        return f"France{self.hors_mayotte(indicateur, 'france')}"

    def hors_mayotte(self, indicateur: str, role: str = "territoire") -> str:
        """« hors Mayotte », précédé d'une espace, si le chiffre ne la compte pas ; vide sinon."""
        motif = str(self.ligne(indicateur, role).get("motif") or "")
        return f" {HORS_MAYOTTE}" if motif.startswith(HORS_MAYOTTE) else ""

    def nom(self, indicateur: str, role: str) -> str:
        """Comment nommer une référence : « le département », « la France hors Mayotte »."""
        return f"la {self.france(indicateur)}" if role == "france" else self.noms[role]

    def position(self, indicateur: str, groupe: str) -> dict | None:
        """Quartiles et rang parmi un groupe (``proches``, ``comparables``) ; None si trop peu y sont connus."""
        if self._confrontation is None or groupe not in self.groupes:
            return None
        if groupe not in self._positions:
            table = self._confrontation.positions(groupe)
            self._positions[groupe] = table[table["mediane"].notna()].to_dict("index")
        return self._positions[groupe].get(indicateur)

    def valeur(self, indicateur: str, role: str = "territoire") -> float:
        """Valeur, manquante si elle n'est pas connue."""
        return float(self.ligne(indicateur, role)["valeur"]) if self.connu(indicateur, role) else float("nan")

    def stable(self, indicateur: str, role: str = "territoire") -> bool:
        """Vrai d'une évolution connue, mais trop petite pour dire une hausse ou une baisse."""
        return self.connu(indicateur, role) and abs(self.valeur(indicateur, role)) < STABLE.get(indicateur, 0.0)

    def annee(self, indicateur: str, role: str = "territoire") -> int | None:
        """Année de la mesure ; None si elle n'est pas connue."""
        if not self.connu(indicateur, role):
            return None
        annee = self.ligne(indicateur, role).get("annee")
        return None if annee is None or pd.isna(annee) else int(annee)

    def annees_dites(self, indicateur: str, role: str = "territoire") -> list[int]:
        """Toutes les années de son millésime, dans l'ordre ; à défaut, celle de la mesure.

        Examples
        --------
        >>> ligne = {"indicateur": "X", "role": "territoire", "valeur": 1.0, "statut": "exact", "annee": 2025}
        >>> MesuresLues(pd.DataFrame([ligne | {"millesime": "2019-2021 et 2023-2025"}])).annees_dites("X")
        [2019, 2021, 2023, 2025]
        """
        if not self.connu(indicateur, role):
            return []
        trouvees = [
            int(a) for a in re.findall(r"\b\d{4}\b", str(self.ligne(indicateur, role).get("millesime")))
        ]
        annee = self.annee(indicateur, role)
        return trouvees or ([annee] if annee is not None else [])

    def dit(self, indicateur: str, role: str = "territoire") -> str:
        """Comme :meth:`texte`, précédé de « environ » quand la valeur est estimée : pour une phrase."""
        ligne = self.ligne(indicateur, role)
        # Cent pour cent n'est pas un ordre de grandeur.
        entier = self.connu(indicateur, role) and ligne["unite"] == "%" and round(ligne["valeur"], 6) >= 100
        return ("environ " if self.estime(indicateur, role) and not entier else "") + self.texte(indicateur, role)

    def estime(self, indicateur: str, role: str = "territoire") -> bool:
        """Vrai si la mesure est connue par estimation."""
        return self.connu(indicateur, role) and self.ligne(indicateur, role)["statut"] == "estime"

    def texte(self, indicateur: str, role: str = "territoire", *, signe: bool = False) -> str:
        """Valeur écrite à la française, avec « % » si c'est l'unité."""
        ligne = self.ligne(indicateur, role)
        if not self.connu(indicateur, role):
            return (self.bornes(indicateur, role) or statut(ligne["statut"]).symbole) if ligne else "n.d."
        return ecrire(ligne["valeur"], ligne["unite"], signe=signe)

    def bornes(self, indicateur: str, role: str = "territoire") -> str:
        """« au moins 96,2 % » pour une mesure sans valeur mais encadrée ; vide sinon.

        Examples
        --------
        >>> ligne = {"indicateur": "X", "role": "territoire", "valeur": None, "statut": "non_disponible", "unite": "%"}
        >>> MesuresLues(pd.DataFrame([ligne | {"bas": 96.27, "haut": 100.0}])).bornes("X").replace(FINE, " ")
        'au moins 96,2 %'
        """
        ligne = self.ligne(indicateur, role)
        if not ligne:
            return ""
        return dire_bornes(ligne, decimales_de(ligne["unite"]), unite="%" if ligne["unite"] == "%" else "")

    def entre(self, indicateur: str) -> str:
        """« (entre 40,9 et 51,6) », précédé d'une espace, là où le territoire n'est connu qu'à cela près ; vide sinon.

        Examples
        --------
        >>> ligne = {"indicateur": "X", "role": "territoire", "valeur": 46.5, "statut": "estime", "unite": "%"}
        >>> MesuresLues(pd.DataFrame([ligne | {"bas": 40.9, "haut": 51.6}])).entre("X")
        ' (entre 40,9 et 51,6)'
        """
        ligne = self.ligne(indicateur)
        bornes = intervalle(
            ligne.get("bas"), ligne.get("haut"), decimales=decimales_de(ligne.get("unite")), unite=ligne.get("unite")
        )
        return f" (entre {bornes.replace(' à ', ' et ')})" if len(set(bornes.split(" à "))) > 1 else ""

    def contre(self, indicateur: str, *, roles: tuple[str, ...] = ("departement", "france")) -> str:
        """« contre 78,0 dans le département et 60,9 en France » ; vide si aucune référence n'est connue.

        Examples
        --------
        >>> table = pd.DataFrame([{"indicateur": "X", "role": r, "valeur": v, "statut": "exact", "unite": "%"}
        ...                       for r, v in (("territoire", 9.6), ("france", 23.5))])
        >>> MesuresLues(table).contre("X").replace(FINE, " ")
        'contre 23,5 % en France'
        """
        lieux = {
            "departement": f"dans {self.noms['departement']}",
            "region": "dans la région",
            "france": f"en {self.france(indicateur)}",
        }
        signe = indicateur.endswith("_EVOL")
        connues = [r for r in roles if self.comparable(indicateur, r)]
        parties = [f"{self.texte(indicateur, r, signe=signe)} {lieux[r]}" for r in connues]
        return f"contre {' et '.join(parties)}" if parties else ""

    def ecart(self, indicateur: str, role: str) -> float | None:
        """Écart du territoire à une référence ; None s'il est inconnu ou plus petit que l'incertitude."""
        if not (self.connu(indicateur) and self.comparable(indicateur, role)):
            return None
        ici, reference = self.ligne(indicateur), self.ligne(indicateur, role)
        # 60,9 − 60,8 vaut un peu plus que 0,1 en binaire.
        ecart = round(float(ici["valeur"]) - float(reference["valeur"]), 6)
        return ecart if se_distinguent(ici, reference, decimales_de(ici["unite"])) else None

    def situer(self, indicateur: str, role: str) -> str:
        """« 1,9 place de plus que le département (78,0) » ; « au niveau de… » sous l'incertitude."""
        if not (self.connu(indicateur) and self.comparable(indicateur, role)):
            return ""
        reference = f"{self.nom(indicateur, role)} ({self.texte(indicateur, role)})"
        ecart = self.ecart(indicateur, role)
        if ecart is None:
            return f"au niveau de {reference}".replace("de le ", "du ").replace("de les ", "des ")
        sens = "plus" if ecart > 0 else "moins"
        ligne = self.ligne(indicateur)
        return f"{ecart_dit(abs(ecart), ligne['unite'], decimales_de(ligne['unite']))} de {sens} que {reference}"


def sur_place(ligne: Mapping[str, Any]) -> bool:
    """Une commune équipée est à zéro minute d'elle-même, de centre à centre : un effet du calcul, pas une durée."""
    return ligne.get("unite") == "minutes" and ligne["valeur"] == 0


def evidence(ligne: dict) -> bool:
    """Tout, rien, ou zéro minute : un chiffre qui n'apprend rien.

    >>> [evidence({"unite": "%", "valeur": v, "indicateur": "X"}) for v in (99.9, 54.0, 0.2)]
    [True, False, True]
    """
    if str(ligne["indicateur"]).endswith("_EVOL"):
        return False
    return sur_place(ligne) or (ligne["unite"] == "%" and not EVIDENCE < ligne["valeur"] < 100 - EVIDENCE)


def points(valeur: float) -> str:
    """« 1,9 point », « 2,0 points » : en français le pluriel commence à deux.

    >>> points(1.9), points(2.0)
    ('1,9 point', '2,0 points')
    """
    ecrit = nombre(valeur, decimales=1)
    return f"{ecrit} point{'s' if float(ecrit.replace(',', '.').replace(FINE, '')) >= 2 else ''}"


def ecart_dit(ecart: float, unite: str, places: int) -> str:
    """Un écart dans l'unité du chiffre ; entre deux parts, en points.

    >>> ecart_dit(1.9, "%", 1), ecart_dit(19.0, "places pour 100 enfants", 1)
    ('1,9 point', '19,0 places')
    """
    if unite in ("%", "points", ""):
        return points(ecart)
    return f"{nombre(ecart, decimales=places)} {accorder(ecart, re.sub(r' (?:pour|par) .*', '', unite))}"


def accord(n: float, singulier: str, pluriel: str | None = None) -> str:
    """« 1 commune », « 37 communes » : nombre écrit et nom accordé.

    >>> accord(1, "commune"), accord(37, "commune"), accord(0, "quartier")
    ('1 commune', '37 communes', '0 quartier')
    """
    nom = singulier if abs(n) < 2 else (pluriel or f"{singulier}s")
    return f"{nombre(n, decimales=0)} {nom}"
