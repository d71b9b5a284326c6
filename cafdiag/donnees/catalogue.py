"""Le catalogue des sources : ce qui existe, qui le publie, où le prendre (``data/catalogue.toml``)."""

from __future__ import annotations

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cafdiag.erreurs import DemandeFausse, EntreeFautive, en_clair, peut_etre
from cafdiag.magasin import dossier, verifier

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "csv.gz", "zip", "xlsx", "ods", "json", "geojson", "parquet", "gpkg")
MAILLES = ("commune", "iris", "epci", "departement", "region", "france", "qpv", "point")

_TEXTES = ("nom", "libelle", "producteur", "licence", "millesime", "maille", "frequence", "format")
_FACULTATIFS = ("lecteur", "jeu", "page", "membre", "preuve", "remarque")
_CONNUS = {*_TEXTES, *_FACULTATIFS, "adresses", "colonnes", "par_defaut"}
_NOM = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class Adresse:
    """Une adresse : un fichier (``url``), ou un jeu d'un portail Opendatasoft (``base`` et ``jeu``).

    >>> Adresse(base="https://exemple.fr/datasets", jeu="x").url_export
    'https://exemple.fr/datasets/x/exports/csv?delimiter=%3B&use_labels=false'
    """

    url: str = ""
    base: str = ""
    jeu: str = ""
    atteste: bool = True

    @property
    def opendatasoft(self) -> bool:
        """Vrai pour un jeu d'un portail Opendatasoft."""
        return bool(self.jeu)

    @property
    def url_export(self) -> str:
        """Adresse du fichier entier."""
        if not self.jeu:
            return self.url
        return f"{self.base}/{self.jeu}/exports/csv?delimiter=%3B&use_labels=false"

    @property
    def url_pages(self) -> str:
        """Adresse des pages de 100 enregistrements (portails Opendatasoft seulement)."""
        return f"{self.base}/{self.jeu}/records" if self.jeu else ""


@dataclass(frozen=True)
class Source:
    """Un jeu de données du catalogue ; les champs sont décrits en tête de ``data/catalogue.toml``."""

    nom: str
    libelle: str
    producteur: str
    licence: str
    millesime: str
    maille: str
    frequence: str
    format: str
    adresses: tuple[Adresse, ...] = ()
    colonnes: tuple[str, ...] = ()
    lecteur: str = ""
    jeu: str = ""
    page: str = ""
    membre: str = ""
    par_defaut: bool = False
    preuve: str = ""
    remarque: str = ""

    @property
    def atteste(self) -> bool:
        """Vrai si une adresse au moins a été constatée."""
        return any(adresse.atteste for adresse in self.adresses)

    @property
    def fichier(self) -> str:
        """Nom du fichier gardé dans le cache.

        >>> source("txcouv_pe_epci").fichier
        'txcouv_pe_epci.csv'
        """
        return f"{self.nom}.{self.format}"


def _remplacer(valeur: Any, remplacements: dict[str, str]) -> Any:
    if isinstance(valeur, str):
        for cle, texte in remplacements.items():
            valeur = valeur.replace("{" + cle + "}", str(texte))
        return valeur
    if isinstance(valeur, list):
        return [_remplacer(v, remplacements) for v in valeur]
    if isinstance(valeur, dict):
        return {c: _remplacer(v, remplacements) for c, v in valeur.items()}
    return valeur


def _deplier(brutes: list[dict]) -> list[dict]:
    depliees: list[dict] = []
    for brute in brutes:
        modele = {c: v for c, v in brute.items() if c != "declinaisons"}
        declinaisons = brute.get("declinaisons", [{}])
        depliees += [_remplacer(modele, declinaison) for declinaison in declinaisons]
    return depliees


def _adresse_web(url: str) -> bool:
    morceaux = urlsplit(url)
    return morceaux.scheme == "https" and bool(morceaux.hostname) and not re.search(r"\s", url)


def _lire_adresse(brute: Any, portails: dict, ou: str, defauts: list[str]) -> Adresse | None:
    if not isinstance(brute, dict):
        defauts.append(f"{ou} : adresse {brute!r} : une table est attendue, {{url = …}} ou {{portail = …, jeu = …}}")
        return None
    inconnus = sorted(set(brute) - {"url", "portail", "jeu", "atteste"})
    if inconnus:
        defauts.append(f"{ou} : adresse : clé inconnue {', '.join(inconnus)}")
    atteste = brute.get("atteste", True)
    if not isinstance(atteste, bool):
        defauts.append(f"{ou} : adresse : atteste vaut {atteste!r}, true ou false est attendu")
        return None
    if "url" in brute:
        if "portail" in brute or "jeu" in brute:
            defauts.append(f"{ou} : adresse : url, ou portail et jeu, pas les deux")
            return None
        if not _adresse_web(str(brute["url"])):
            defauts.append(f"{ou} : adresse {brute['url']!r} : une adresse https est attendue")
            return None
        return Adresse(url=brute["url"], atteste=atteste)
    portail, jeu = brute.get("portail"), brute.get("jeu")
    if portail not in portails:
        defauts.append(f"{ou} : portail inconnu {portail!r} (connus : {', '.join(sorted(portails)) or 'aucun'})")
        return None
    if not isinstance(jeu, str) or not re.fullmatch(r"[A-Za-z0-9_.@-]+", jeu):
        defauts.append(f"{ou} : jeu {jeu!r} : l'identifiant du portail est attendu")
        return None
    return Adresse(base=portails[portail].rstrip("/"), jeu=jeu, atteste=atteste)


def _lire_source(brute: dict, rang: int, portails: dict, defauts: list[str]) -> Source | None:
    ou = f"source {brute.get('nom') or f'n° {rang}'}"
    avant = len(defauts)
    for cle in sorted(set(brute) - _CONNUS):
        defauts.append(f"{ou} : clé inconnue « {cle} »{peut_etre(cle, _CONNUS)}")
    for cle in _TEXTES:
        if not isinstance(brute.get(cle), str) or not brute[cle].strip():
            defauts.append(f"{ou} : « {cle} » manque ou est vide")
    for cle in _FACULTATIFS:
        if not isinstance(brute.get(cle, ""), str):
            defauts.append(f"{ou} : « {cle} » vaut {brute[cle]!r}, un texte est attendu")
    for cle, valeur in brute.items():
        reste = re.search(r"\{[a-z_0-9]+\}", str(valeur)) if not isinstance(valeur, bool) else None
        if reste:
            defauts.append(f"{ou} : « {cle} » : {reste.group()} n'est défini par aucune déclinaison")
    if isinstance(brute.get("nom"), str) and brute["nom"] and not _NOM.fullmatch(brute["nom"]):
        defauts.append(f"{ou} : le nom s'écrit en minuscules sans accent, chiffres et « _ »")
    for cle, permis in (("format", FORMATS), ("maille", MAILLES)):
        if isinstance(brute.get(cle), str) and brute[cle] and brute[cle] not in permis:
            defauts.append(f"{ou} : {cle} « {brute[cle]} » inconnu (connus : {', '.join(permis)})")
    if brute.get("membre") and brute.get("format") != "zip":
        defauts.append(f"{ou} : « membre » n'a de sens que pour une archive zip")
    if not isinstance(brute.get("par_defaut", False), bool):
        defauts.append(f"{ou} : « par_defaut » vaut {brute['par_defaut']!r}, true ou false est attendu")
    if brute.get("page") and not _adresse_web(str(brute["page"])):
        defauts.append(f"{ou} : page {brute['page']!r} : une adresse https est attendue")
    colonnes, brutes = brute.get("colonnes", []), brute.get("adresses", [])
    if not isinstance(colonnes, list) or not all(isinstance(c, str) and c for c in colonnes):
        defauts.append(f"{ou} : « colonnes » : une liste de noms est attendue")
    if not isinstance(brutes, list):
        defauts.append(f"{ou} : « adresses » : une liste est attendue")
        brutes = []
    adresses = [_lire_adresse(a, portails, ou, defauts) for a in brutes]
    if brute.get("par_defaut") and not brutes:
        defauts.append(f"{ou} : prise par défaut, mais sans adresse")
    if len(defauts) > avant:
        return None
    simples = {c: v for c, v in brute.items() if c not in ("adresses", "colonnes")}
    return Source(adresses=tuple(a for a in adresses if a), colonnes=tuple(colonnes), **simples)


def lire_catalogue(chemin: str | Path | None = None) -> dict[str, Source]:
    """Lit et contrôle un catalogue ; celui de cafdiag par défaut.

    Raises
    ------
    EntreeFautive
        Avec tous les défauts du fichier (source, clé, valeur).
    """
    return dict(_catalogue(Path(chemin) if chemin else verifier(dossier("data") / "catalogue.toml")))


@lru_cache(maxsize=4)
def _catalogue(chemin: Path) -> dict[str, Source]:
    try:
        contenu = tomllib.loads(chemin.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise EntreeFautive(
            chemin.name, [f"illisible ({en_clair(cause)})"], attendu="un fichier TOML en UTF-8"
        ) from cause
    defauts: list[str] = []
    if contenu.get("format") != 1:
        defauts.append(f"en-tête : format {contenu.get('format')!r}, 1 est attendu")
    portails = {}
    for nom, portail in contenu.get("portails", {}).items():
        base = portail.get("base", "") if isinstance(portail, dict) else ""
        portails[nom] = base
        if not _adresse_web(base):
            defauts.append(f"portail {nom} : base {base!r} : une adresse https est attendue")
    lues: dict[str, Source] = {}
    for rang, brute in enumerate(_deplier(contenu.get("source", [])), start=1):
        source_lue = _lire_source(brute, rang, portails, defauts)
        if brute.get("nom") in lues:
            defauts.append(f"source {brute['nom']} : nom déjà pris")
        elif source_lue:
            lues[source_lue.nom] = source_lue
    if not lues and not defauts:
        defauts.append("catalogue : aucune source")
    if defauts:
        raise EntreeFautive(
            chemin.name, defauts, conseil="corrigez le catalogue, ou réinstallez le projet"
        )
    return lues


def complements(lecteur: str) -> list[str]:
    """Les autres lecteurs d'un fichier que ce lecteur reconnaît.

    >>> complements("insee_bpe")
    ['insee_bpe_structures']
    """
    contenu = tomllib.loads(verifier(dossier("data") / "catalogue.toml").read_text(encoding="utf-8"))
    return list(contenu.get("complements", {}).get(lecteur, []))


def source(nom: str) -> Source:
    """La source qui porte ce nom.

    Raises
    ------
    DemandeFausse
        Nom inconnu ; les plus proches sont proposés.

    Examples
    --------
    >>> source("rsa_s_type_com_f").adresses[1].jeu
    'rsa_s_type_com_f-copy'
    """
    connues = lire_catalogue()
    if nom in connues:
        return connues[nom]
    proches = difflib.get_close_matches(nom.lower(), connues, n=3, cutoff=0.5)
    raise DemandeFausse(
        f"source inconnue : « {nom} »",
        conseil="essayez " + " ; ".join(proches) if proches else "voyez « cafdiag donnees lister »",
    )


def choisir(noms: Sequence[str] | str | None = None) -> list[Source]:
    """Les sources demandées, dans l'ordre du catalogue, sans doublon.

    Parameters
    ----------
    noms : sequence of str, optional
        Noms, motifs (``txcouv_pe_*``) ou ``tout`` ; sans rien, celles prises par défaut.

    Raises
    ------
    DemandeFausse
        Un nom ou un motif qui ne désigne rien : rien n'est deviné.

    Examples
    --------
    >>> [s.nom for s in choisir("ndur_s_qf_400_*")]
    ['ndur_s_qf_400_com_f', 'ndur_s_qf_400_qpv_f', 'ndur_s_qf_400_iris_f']
    """
    connues = lire_catalogue()
    if not noms:
        return [s for s in connues.values() if s.par_defaut]
    noms = [noms] if isinstance(noms, str) else list(noms)
    voulues: set[str] = set()
    for nom in noms:
        if nom == "tout":
            voulues |= {s.nom for s in connues.values() if s.adresses}
        elif any(signe in nom for signe in "*?["):
            trouvees = set(fnmatch.filter(connues, nom.lower()))
            if not trouvees:
                raise DemandeFausse(
                    f"aucune source ne répond à « {nom} »", conseil="voyez « cafdiag donnees lister »"
                )
            voulues |= trouvees
        else:
            voulues.add(source(nom).nom)
    return [s for s in connues.values() if s.nom in voulues]


def sources() -> pd.DataFrame:
    """Le catalogue en tableau : une ligne par source.

    Examples
    --------
    >>> table = sources().set_index("nom")
    >>> table.loc["s_ben_com_f", ["producteur", "maille", "licence"]].tolist()
    ['Cnaf', 'commune', 'Licence Ouverte 2.0']
    """
    import pandas as pd

    lues = list(lire_catalogue().values())
    champs = ("nom", "libelle", "producteur", "maille", "millesime", "frequence", "licence", "format", "jeu", "lecteur",
              "par_defaut", "atteste", "preuve")
    table = pd.DataFrame([{champ: getattr(s, champ) for champ in champs} for s in lues], columns=list(champs))
    return table.assign(
        adresse=[s.adresses[0].url_export if s.adresses else "" for s in lues],
        secours=[" ".join(a.url_export for a in s.adresses[1:]) for s in lues],
        page=[s.page for s in lues],
        colonnes=[" ".join(s.colonnes) for s in lues],
        remarque=[s.remarque for s in lues],
    )
