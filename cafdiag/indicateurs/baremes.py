"""Les barèmes datés : lequel vaut quand, et ce qu'on n'en sait pas.

Un barème inconnu reste inconnu, deux valeurs qui se contredisent restent toutes deux visibles : rien n'est choisi
en silence, aucun montant n'est inventé.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass

import pandas as pd

from cafdiag.erreurs import DemandeFausse

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


@dataclass(frozen=True)
class Bareme:
    """Une valeur d'un barème ; les champs sont décrits en tête de ``data/baremes.toml``."""

    code: str
    theme: str
    libelle: str
    unite: str
    statut: str
    bas: float | None = None
    haut: float | None = None
    tranches: tuple[tuple[float, float, float | None], ...] = ()
    depuis: str = ""
    jusque: str = ""
    plafonne: bool = False
    sources: tuple[str, ...] = ()
    remarque: str = ""

    def vaut_au(self, jour: dt.date) -> bool:
        """Vrai si le barème vaut ce jour-là ; une borne vide ne limite pas."""
        apres = not self.depuis or jour_de(self.depuis) <= jour
        return apres and (not self.jusque or jour <= jour_de(self.jusque, fin=True))

    @property
    def periode(self) -> str:
        """« depuis 2025 », « 2020 à 2022 », « jusqu'à 2022 », « non daté »."""
        depuis, jusque = ("/".join(reversed(d.split("-"))) for d in (self.depuis, self.jusque))
        if depuis and jusque:
            return depuis if depuis == jusque else f"{depuis} à {jusque}"
        if depuis:
            return f"depuis {depuis}"
        return f"jusqu'à {jusque}" if jusque else "non daté"


@dataclass(frozen=True)
class Choix:
    """Ce qu'un barème vaut une année donnée.

    Attributes
    ----------
    bas, haut : float or None
        Fourchette employée dans les calculs ; égales pour une valeur unique, vides si elle n'est pas connue.
        En cas de conflit, l'enveloppe de toutes les valeurs.
    statut : {"lu", "infere", "a_confirmer", "inconnu", "conflit"}
    retenus : tuple of Bareme
        Toutes les valeurs applicables, y compris celles qui se contredisent.
    motif : str
        Pourquoi la valeur manque, ou ce qui se contredit.
    """

    code: str
    libelle: str
    unite: str
    bas: float | None
    haut: float | None
    statut: str
    retenus: tuple[Bareme, ...] = ()
    motif: str = ""

    @property
    def connu(self) -> bool:
        """Vrai si une fourchette peut entrer dans un calcul."""
        return self.bas is not None

    @property
    def bornes(self) -> tuple[float, float]:
        """La fourchette, manquante (``nan``) et jamais nulle si elle n'est pas connue."""
        return _bornes(self.bas, self.haut)

    @property
    def plafonne(self) -> bool:
        """Vrai si un plafond existe que nous n'avons pas : un montant est alors « au plus »."""
        return any(b.plafonne for b in self.retenus)

    @property
    def source(self) -> str:
        """Sources de toutes les valeurs retenues."""
        return " ; ".join(dict.fromkeys(s for b in self.retenus for s in b.sources))

    @property
    def periode(self) -> str:
        """Périodes de toutes les valeurs retenues."""
        return " ; ".join(dict.fromkeys(b.periode for b in self.retenus))


class Baremes:
    """Un fichier de barèmes lu et contrôlé.

    Examples
    --------
    >>> from cafdiag.indicateurs.baremes_fichier import lire_baremes
    >>> baremes = lire_baremes()
    >>> choix = baremes.choisir("bonus_territoire_places_nouvelles", annee=2025)
    >>> choix.bas, choix.haut, choix.unite
    (2600.0, 3600.0, '€/place/an')
    >>> baremes.choisir("bonus_mixite").statut
    'conflit'
    """

    def __init__(self, lignes: tuple[Bareme, ...], *, releve: str, fichier: str) -> None:
        self.lignes, self.releve, self.fichier = lignes, releve, fichier

    def choisir(self, code: str, *, annee: int | None = None) -> Choix:
        """Ce que vaut un barème au 31 décembre d'une année ; par défaut, à la date du relevé.

        La dernière valeur datée l'emporte. Deux valeurs de même date, ou une valeur non datée qui contredit les
        autres, sont un conflit : toutes sont rendues, avec leur enveloppe. Une valeur « à confirmer » n'est jamais
        employée ; une année sans valeur est inconnue, et le motif donne les périodes connues.
        """
        siennes = [b for b in self.lignes if b.code == code]
        if not siennes:
            return Choix(code, code, "", None, None, "inconnu", motif=f"absent de {self.fichier}")
        jour = jour_de(self.releve) if annee is None else dt.date(annee, 12, 31)
        valables = [b for b in siennes if b.vaut_au(jour)]
        modele = siennes[-1]
        if not valables:
            connues = " ; ".join(b.periode for b in siennes)
            motif = f"aucune valeur lue pour {jour.year} (connues : {connues})"
            return Choix(code, modele.libelle, modele.unite, None, None, "inconnu", motif=motif)
        surs = [b for b in valables if b.statut != "a_confirmer"]
        dernier = max((b.depuis for b in surs if b.depuis), key=jour_de, default="")
        retenus = tuple(b for b in surs if not b.depuis or jour_de(b.depuis) == jour_de(dernier))
        if not retenus:
            motif = "à confirmer" + (f" : {valables[-1].remarque}" if valables[-1].remarque else "")
            return Choix(
                code, modele.libelle, modele.unite, None, None, "a_confirmer", tuple(valables), motif
            )
        chiffres = [b for b in retenus if b.bas is not None]
        tete = retenus[0]
        if not chiffres:
            return Choix(code, tete.libelle, tete.unite, None, None, tete.statut, retenus, tete.remarque)
        if len({(b.bas, b.haut) for b in chiffres}) > 1:
            dites = " ; ".join(f"{_dire(b)} ({b.periode}, {', '.join(b.sources)})" for b in chiffres)
            motif = f"les sources se contredisent : {dites}"
            bas = min(b.bas for b in chiffres if b.bas is not None)
            haut = max(b.haut for b in chiffres if b.haut is not None)
            return Choix(code, tete.libelle, tete.unite, bas, haut, "conflit", retenus, motif)
        return Choix(code, tete.libelle, tete.unite, tete.bas, tete.haut, tete.statut, retenus)

    def dans_la_tranche(self, code: str, valeur: float, *, annee: int | None = None) -> float | None:
        """Valeur de la tranche (borne basse comprise) où tombe un nombre ; None si elle n'est pas connue.

        >>> from cafdiag.indicateurs.baremes_fichier import lire_baremes
        >>> lire_baremes().dans_la_tranche("sppe_coefficient_naissances", 3999)
        2.0
        """
        trouvees = {
            v for b in self.choisir(code, annee=annee).retenus for de, a, v in b.tranches if de <= valeur < a
        }
        return trouvees.pop() if len(trouvees) == 1 else None

    def table(self, *, annee: int | None = None) -> pd.DataFrame:
        """Toutes les valeurs du fichier, une ligne chacune ; ``vaut`` dit celles qui valent cette année-là.

        Returns
        -------
        DataFrame
            ``code, theme, libelle, bas, haut, unite, periode, statut, vaut, source, remarque``.
        """
        choix = {b.code: self.choisir(b.code, annee=annee) for b in self.lignes}
        lignes = [
            {
                "code": b.code,
                "theme": b.theme,
                "libelle": b.libelle,
                "bas": b.bas,
                "haut": b.haut,
                "unite": b.unite,
                "periode": b.periode,
                "statut": "conflit" if b in c.retenus and c.statut == "conflit" else b.statut,
                "vaut": b in c.retenus,
                "source": " ; ".join(b.sources),
                "remarque": " ; ".join(t for t in (b.remarque, _dire_tranches(b)) if t),
            }
            for b in self.lignes
            for c in (choix[b.code],)
        ]
        return pd.DataFrame(lignes)


def annee_du_bareme(annee: int | str | None) -> int | None:
    """L'année de barème demandée, contrôlée ; None : la dernière connue.

    >>> annee_du_bareme("2025"), annee_du_bareme(None)
    (2025, None)
    """
    if annee is None or annee == "":
        return None
    if isinstance(annee, bool) or not re.fullmatch(r"(19|20)\d\d", str(annee).strip()):
        raise DemandeFausse(f"année de barème : « {annee} »", attendu="quatre chiffres, comme 2025")
    return int(annee)


def jour_de(texte: str, *, fin: bool = False) -> dt.date:
    """Premier (ou dernier) jour d'une date écrite AAAA, AAAA-MM ou AAAA-MM-JJ."""
    trouve = _DATE.fullmatch(texte)
    if not trouve:
        raise ValueError(f"date {texte!r}")
    annee, mois, jour = trouve.groups()
    if not fin or jour:
        return dt.date(int(annee), int(mois or 1), int(jour or 1))
    suivant = dt.date(int(annee) + (mois in (None, "12")), 1 if mois in (None, "12") else int(mois) + 1, 1)
    return suivant - dt.timedelta(days=1)


def _nombre(x: float) -> str:
    return f"{x:,.10g}".replace(",", "\u202f").replace(".", ",")


def _bornes(bas: float | None, haut: float | None) -> tuple[float, float]:
    return math.nan if bas is None else bas, math.nan if haut is None else haut


def _dire(b: Bareme) -> str:
    bas, haut = _bornes(b.bas, b.haut)
    ecrit = _nombre(bas) if bas == haut else f"{_nombre(bas)} à {_nombre(haut)}"
    return f"{ecrit} {b.unite}"


def _dire_tranches(b: Bareme) -> str:
    return " ; ".join(
        f"{f'de {_nombre(de)} à moins de {_nombre(a)}' if a != float('inf') else f'{_nombre(de)} et plus'} : "
        f"{_nombre(v) if v is not None else 'non lu'}"
        for de, a, v in b.tranches
    )
