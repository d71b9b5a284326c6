"""Les barèmes datés : lequel vaut quand, et ce qu'on n'en sait pas.

Un barème inconnu reste inconnu, deux valeurs qui se contredisent restent toutes deux visibles : rien n'est choisi
en silence, aucun montant n'est inventé.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from cafdiag.erreurs import DemandeFausse, EntreeFautive, fichier_illisible, peut_etre
from cafdiag.magasin import dossier, ecrire_atomique, verifier

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
    >>> from cafdiag.indicateurs.baremes import lire_baremes
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

        >>> from cafdiag.indicateurs.baremes import lire_baremes
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


THEMES_BAREMES = ("eaje", "alsh", "jeunesse", "avs", "parentalite", "rpe", "cooperation", "sppe")
STATUTS_BAREMES = ("lu", "infere", "a_confirmer", "inconnu")
_TEXTES = ("code", "theme", "libelle", "unite", "statut")
_NOMBRES = ("valeur", "bas", "haut")
_CONNUS = {*_TEXTES, *_NOMBRES, "plafonne", "depuis", "jusque", "sources", "remarque", "tranches"}


def lire_baremes(fichier: str | Path | None = None) -> Baremes:
    """Lit et contrôle un fichier de barèmes ; celui de cafdiag par défaut.

    Raises
    ------
    EntreeFautive
        Avec tous les défauts du fichier (ligne, clé, valeur).
    DonneesAbimees
        Le fichier embarqué n'est pas celui qui a été livré.
    """
    if fichier is None:
        return _embarques(verifier(dossier("data") / "baremes.toml"))
    return _lire(Path(fichier))


def copier_baremes(chemin: str | Path) -> Path:
    """Écrit une copie des barèmes embarqués, à corriger puis à donner par ``--baremes``.

    Raises
    ------
    DemandeFausse
        Le fichier existe déjà : il n'est jamais écrasé.
    """
    chemin = Path(chemin)
    if chemin.exists():
        raise DemandeFausse(
            f"{chemin} existe déjà", conseil="donnez un autre nom : une copie corrigée se garde"
        )
    return ecrire_atomique(chemin, verifier(dossier("data") / "baremes.toml").read_bytes())


@lru_cache(maxsize=1)
def _embarques(chemin: Path) -> Baremes:
    return _lire(chemin)


def _lire(chemin: Path) -> Baremes:
    try:
        contenu = tomllib.loads(chemin.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise fichier_illisible(
            chemin,
            cause,
            attendu="un fichier TOML en UTF-8",
            conseil="repartez d'une copie neuve : « cafdiag baremes --copie FICHIER »",
        ) from cause
    defauts: list[str] = []
    if contenu.get("format") != 1:
        defauts.append(f"en-tête : format {contenu.get('format')!r}, 1 est attendu")
    if not _date_juste(contenu.get("releve")):
        defauts.append(f"en-tête : releve {contenu.get('releve')!r}, une date AAAA-MM-JJ est attendue")
    brutes = contenu.get("bareme", [])
    if not isinstance(brutes, list) or not brutes or not all(isinstance(b, dict) for b in brutes):
        defauts.append("aucun barème : des tables [[bareme]] sont attendues")
        brutes = []
    sources = contenu.get("sources", {})
    unites = contenu.get("unites", [])
    lues = [_bareme(b, f"barème {b.get('code') or f'n° {i}'}", sources, unites, defauts)
            for i, b in enumerate(brutes, start=1)]  # fmt: skip
    gardees = tuple(b for b in lues if b is not None)
    defauts += _incoherences(gardees)
    if defauts:
        raise EntreeFautive(
            chemin.name, defauts, conseil="corrigez ces lignes ; l'en-tête du fichier décrit chaque clé"
        )
    return Baremes(gardees, releve=str(contenu["releve"]), fichier=chemin.name)


def _bareme(brut: dict, ou: str, sources: dict, unites: list, defauts: list[str]) -> Bareme | None:
    avant = len(defauts)

    def dire(quoi: str) -> None:
        defauts.append(f"{ou} : {quoi}")

    for cle in sorted(set(brut) - _CONNUS):
        dire(f"clé inconnue « {cle} »{peut_etre(cle, _CONNUS)}")
    for cle in _TEXTES:
        if not isinstance(brut.get(cle), str) or not brut[cle].strip():
            dire(f"« {cle} » manque ou n'est pas un texte")
    for cle, permis in (("theme", THEMES_BAREMES), ("statut", STATUTS_BAREMES), ("unite", tuple(unites))):
        if isinstance(brut.get(cle), str) and brut[cle] and brut[cle] not in permis:
            dire(f"{cle} « {brut[cle]} » inconnu (connus : {', '.join(map(str, permis))})")
    for cle in ("depuis", "jusque"):
        if cle in brut and brut[cle] != "" and not _date_juste(brut[cle]):
            dire(f"« {cle} » vaut {brut[cle]!r} ; AAAA, AAAA-MM ou AAAA-MM-JJ est attendu, entre guillemets")
    if not isinstance(brut.get("plafonne", False), bool):
        dire(f"« plafonne » vaut {brut['plafonne']!r}, true ou false est attendu")
    if not isinstance(brut.get("remarque", ""), str):
        dire("« remarque » n'est pas un texte")
    citees = brut.get("sources", [])
    if not isinstance(citees, list) or not all(isinstance(s, str) for s in citees):
        dire('« sources » : une liste d\'identifiants est attendue, comme ["S61"]')
        citees = []
    for s in citees:
        if s not in sources:
            dire(f"source « {s} » absente de la table [sources]")
    sans_faute = len(defauts)
    bas, haut = _fourchette(brut, dire)
    tranches = _tranches(brut.get("tranches", []), dire)
    # Une valeur mal écrite n'est pas, en plus, une valeur absente.
    mal_ecrite = len(defauts) > sans_faute
    chiffre = bas is not None or any(v is not None for *_, v in tranches)
    if brut.get("statut") == "inconnu" and chiffre:
        dire("une valeur est donnée, mais le statut est « inconnu »")
    if brut.get("statut") in ("lu", "infere", "a_confirmer"):
        if not chiffre and not mal_ecrite:
            dire(f"statut « {brut['statut']} » sans valeur (valeur, ou bas et haut, ou tranches)")
        if not citees:
            dire("une valeur doit citer sa source")
    if len(defauts) > avant:
        return None
    return Bareme(
        **{c: brut[c].strip() for c in _TEXTES},
        bas=bas,
        haut=haut,
        tranches=tranches,
        depuis=str(brut.get("depuis", "")),
        jusque=str(brut.get("jusque", "")),
        plafonne=brut.get("plafonne", False),
        sources=tuple(sources[s] for s in citees),
        remarque=brut.get("remarque", "").strip(),
    )


def _fourchette(brut: dict, dire: Any) -> tuple[float | None, float | None]:
    donnes = {c: brut[c] for c in _NOMBRES if c in brut}
    for cle, valeur in donnes.items():
        if isinstance(valeur, bool) or not isinstance(valeur, (int, float)) or not 0 <= valeur < 1e12:
            dire(f"« {cle} » vaut {valeur!r}, un nombre positif est attendu (point décimal, sans espace)")
            return None, None
    if "valeur" in donnes and len(donnes) > 1:
        dire("« valeur », ou « bas » et « haut », pas les deux")
    elif len(donnes) == 1 and "valeur" not in donnes:
        dire("« bas » et « haut » vont ensemble")
    elif len(donnes) == 2 and donnes["bas"] > donnes["haut"]:
        dire(f"« bas » ({donnes['bas']}) dépasse « haut » ({donnes['haut']})")
    elif donnes:
        bas, haut = ("valeur", "valeur") if "valeur" in donnes else ("bas", "haut")
        return float(donnes[bas]), float(donnes[haut])
    return None, None


def _tranches(brutes: Any, dire: Any) -> tuple[tuple[float, float, float | None], ...]:
    justes = isinstance(brutes, list) and all(
        isinstance(t, dict)
        and set(t) <= {"de", "a", "valeur"}
        and "de" in t
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in t.values())
        for t in brutes
    )
    if not justes:
        dire("« tranches » : une liste de { de = 0, a = 1000, valeur = 1 } est attendue")
        return ()
    lues = tuple(
        (float(t["de"]), float(t.get("a", "inf")), float(t["valeur"]) if "valeur" in t else None)
        for t in brutes
    )
    if any(avant[1] != apres[0] for avant, apres in pairwise(lues)):
        dire("« tranches » : chacune doit commencer où finit la précédente")
    return lues


def _incoherences(lignes: tuple[Bareme, ...]) -> list[str]:
    """Défauts qui se voient entre les lignes : période à l'envers, unité qui change, ligne en double."""
    defauts: list[str] = []
    unites: dict[str, str] = {}
    vues: set[Bareme] = set()
    for b in lignes:
        if b.depuis and b.jusque and jour_de(b.depuis) > jour_de(b.jusque, fin=True):
            defauts.append(f"barème {b.code} : « depuis » ({b.depuis}) est après « jusque » ({b.jusque})")
        if unites.setdefault(b.code, b.unite) != b.unite:
            defauts.append(f"barème {b.code} : deux unités, « {unites[b.code]} » et « {b.unite} »")
        if b in vues:
            defauts.append(f"barème {b.code} : la même ligne deux fois ({b.periode})")
        vues.add(b)
    return defauts


def _date_juste(texte: Any) -> bool:
    try:
        return bool(jour_de(str(texte))) if isinstance(texte, str) else False
    except ValueError:
        return False
