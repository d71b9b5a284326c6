"""Lire un fichier de barèmes (``data/baremes.toml``, ou la copie de l'utilisateur) : tous ses défauts d'un coup."""

from __future__ import annotations

import difflib
import tomllib
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from cafdiag.erreurs import DemandeFausse, EntreeFautive, fichier_illisible
from cafdiag.indicateurs.baremes import Bareme, Baremes, jour_de
from cafdiag.magasin import dossier, ecrire_atomique, verifier

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
        proches = difflib.get_close_matches(cle, _CONNUS, n=1)
        dire(f"clé inconnue « {cle} »" + (f", peut-être « {proches[0]} »" if proches else ""))
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
        sources=tuple(f"{sources[s]} [{s}]" for s in citees),
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
