"""La famille d'erreurs de cafdiag : une phrase en français, en trois parties.

Chaque erreur dit ce qui a été **trouvé**, ce qui était **attendu**, et **quoi faire**.
Les champs restent lisibles par un programme ; le message est fait pour une personne.

>>> try:
...     raise DemandeFausse("le code « 1001 » est un nombre", attendu="un texte",
...                         conseil="écrivez '01001' entre guillemets")
... except CafdiagError as erreur:
...     print(erreur)
...     print(erreur.code_retour)
le code « 1001 » est un nombre. Attendu : un texte. À faire : écrivez '01001' entre guillemets.
2
"""

from __future__ import annotations

import difflib
import errno
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_PANNES = {
    errno.EACCES: "accès refusé : droit manquant, ou fichier ouvert ailleurs",
    errno.EPERM: "accès refusé : droit manquant, ou fichier ouvert ailleurs",
    errno.EROFS: "disque en lecture seule",
    errno.ENOENT: "fichier ou dossier introuvable",
    errno.EEXIST: "un fichier de ce nom existe déjà",
    errno.ENOTDIR: "un des dossiers du chemin est un fichier",
    errno.EISDIR: "c'est un dossier",
    errno.ENOTEMPTY: "le dossier n'est pas vide",
    errno.ENOSPC: "plus de place sur le disque",
    errno.EDQUOT: "quota de disque dépassé",
    errno.EFBIG: "fichier trop gros pour ce disque",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ELOOP: "liens qui tournent en rond",
    errno.EBUSY: "fichier ou dossier occupé ailleurs",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ENFILE: "trop de fichiers ouverts",
    errno.ENOMEM: "plus de mémoire",
    errno.ECONNREFUSED: "connexion refusée",
    errno.ECONNRESET: "connexion coupée",
    errno.ENETUNREACH: "pas de réseau",
    errno.EHOSTUNREACH: "serveur injoignable",
    errno.EIO: "le disque ne répond pas bien",
}
# Ce qu'une bibliothèque refuse : par le nom de son erreur, ou le sien.
_REFUS = {
    "_csv.Error": "CSV mal formé : un guillemet mal placé ou jamais refermé",
    "builtins.EOFError": "la fin du fichier manque",
    "builtins.IndexError": "il y manque quelque chose",
    "builtins.NotImplementedError": "une compression que cafdiag ne connaît pas",
    "builtins.RecursionError": "trop de niveaux emboîtés",
    "builtins.TimeoutError": "pas de réponse dans le délai",
    "gzip.BadGzipFile": "ce n'est pas un fichier compressé en gzip, ou il est abîmé",
    "jinja2": "gabarit mal écrit",
    "lxml": "XML mal formé",
    "pandas": "tableau mal formé",
    "pptx": "ce n'est pas une présentation, ou elle est abîmée",
    "pyarrow": "fichier parquet incomplet, ou qui n'en a que l'extension",
    "pyogrio": "couche géographique abîmée, incomplète, ou d'un format inconnu",
    "pypdf": "pdf abîmé",
    "requests": "serveur injoignable",
    "shapely": "contour abîmé",
    "sqlite3": "couche ou base abîmée",
    "socket": "serveur introuvable",
    "ssl": "la connexion n'est pas sûre",
    "struct.error": "la fin du fichier manque",
    "tomllib": "mal écrit",
    "typst": "gabarit mal écrit",
    "urllib": "serveur injoignable",
    "xml": "XML mal formé",
    "zipfile.BadZipFile": "classeur ou archive incomplets : la fin du fichier manque, ou il n'en a que l'extension",
    "zlib.error": "contenu compressé abîmé",
}
VERIFIER_CHEMIN = "vérifiez le chemin, entre guillemets s'il contient une espace"


def _phrase(texte: str) -> str:
    texte = texte.strip()
    return texte if texte.endswith((".", "!", "?")) else f"{texte}."


class CafdiagError(ValueError):
    """Base de toutes les erreurs de cafdiag.

    Parameters
    ----------
    trouve : str
        Ce qui a été trouvé (fichier, ligne, colonne, valeur).
    attendu, conseil : str, optional
        Ce qui était attendu ; ce qu'il faut faire.
    """

    code_retour = 1

    def __init__(self, trouve: str, *, attendu: str = "", conseil: str = "") -> None:
        self.trouve, self.attendu, self.conseil = trouve, attendu, conseil
        message = _phrase(trouve)
        if attendu:
            message += f" Attendu : {_phrase(attendu)}"
        if conseil:
            message += f" À faire : {_phrase(conseil)}"
        super().__init__(message)

    # Les erreurs traversent des processus (carnets, lots) : sans cela, `pickle` perd les champs nommés.
    def __reduce__(self):
        return (_reconstruire, (type(self), dict(self.__dict__), str(self)))


def _reconstruire(classe: type[CafdiagError], champs: dict, message: str) -> CafdiagError:
    erreur = classe.__new__(classe)
    ValueError.__init__(erreur, message)
    erreur.__dict__.update(champs)
    return erreur


class DemandeFausse(CafdiagError):
    """La demande ne peut pas être comprise (option, paramètre, indicateur, type)."""

    code_retour = 2


class TerritoireInconnu(DemandeFausse):
    """Aucun territoire ne porte ce code ou ce nom ; `propositions` donne les plus proches."""

    def __init__(
        self, cle: str, *, propositions: list[str] | None = None, attendu: str = "", conseil: str = ""
    ) -> None:
        self.cle, self.propositions = cle, list(propositions or [])
        if not conseil:
            conseil = (
                "essayez " + " ; ".join(self.propositions)
                if self.propositions
                else "cherchez avec « cafdiag territoires NOM »"
            )
        super().__init__(f"territoire inconnu : « {cle} »", attendu=attendu, conseil=conseil)


class TerritoireAmbigu(DemandeFausse):
    """Plusieurs territoires portent ce nom : il faut préciser, rien n'est deviné.

    `choix` donne, pour les premières propositions et dans leur ordre, la clé qui les désigne ; `demande` est ce que
    l'usager avait écrit.
    """

    def __init__(self, cle: str, *, propositions: list[str], choix: list[str], demande: str = "") -> None:
        self.cle, self.propositions, self.choix, self.demande = cle, list(propositions), list(choix), demande or cle
        super().__init__(
            f"« {cle} » désigne plusieurs territoires : " + " ; ".join(self.propositions),
            attendu="un seul territoire",
            conseil="donnez le code plutôt que le nom",
        )


class DonneesAbimees(CafdiagError):
    """Un fichier de données ne correspond pas à son empreinte : il est refusé, jamais lu à moitié."""

    def __init__(self, fichier: str, trouve: str, *, attendu: str = "", conseil: str = "") -> None:
        self.fichier = fichier
        super().__init__(f"fichier de données {fichier} : {trouve}", attendu=attendu, conseil=conseil)


class EntreeFautive(CafdiagError):
    """Un fichier apporté par l'utilisateur a des défauts ; `defauts` les donne tous."""

    def __init__(self, fichier: str, defauts: list[str], *, attendu: str = "", conseil: str = "") -> None:
        self.fichier, self.defauts = fichier, list(defauts)
        nombre = len(self.defauts)
        entete = f"{fichier} : {nombre} défaut{'s' if nombre > 1 else ''} — " + " ; ".join(self.defauts)
        super().__init__(entete, attendu=attendu, conseil=conseil)


class FichierIntrouvable(EntreeFautive):
    """Le chemin donné ne mène à aucun fichier : c'est la demande qui est fausse, pas le fichier."""

    code_retour = 2

    def __init__(self, chemin: str | Path, *, attendu: str = "") -> None:
        self.fichier, self.defauts = Path(chemin).name, ["introuvable"]
        CafdiagError.__init__(
            self, f"fichier introuvable : {chemin}", attendu=attendu, conseil=VERIFIER_CHEMIN
        )


def fichier_illisible(
    chemin: str | Path, cause: Exception, *, attendu: str = "", conseil: str = ""
) -> EntreeFautive:
    """L'erreur à lever quand la lecture d'un fichier de l'utilisateur échoue par ``cause``.

    >>> print(fichier_illisible("absent.csv", FileNotFoundError(2, "No such file or directory")))
    fichier introuvable : absent.csv. À faire : vérifiez le chemin, entre guillemets s'il contient une espace.
    """
    # GDAL et d'autres disent l'absence à leur façon : le chemin tranche.
    if isinstance(cause, FileNotFoundError) or not Path(chemin).exists():
        return FichierIntrouvable(chemin, attendu=attendu)
    return EntreeFautive(
        Path(chemin).name, [f"fichier illisible ({en_clair(cause)})"], attendu=attendu, conseil=conseil
    )


def en_clair(cause: object) -> str:
    """Pourquoi le système ou une bibliothèque refuse, en français : eux ne le disent qu'en anglais.

    Examples
    --------
    >>> en_clair(PermissionError(13, "Permission denied"))
    'accès refusé : droit manquant, ou fichier ouvert ailleurs'
    >>> en_clair(KeyError("nom"))
    '« nom » manque'
    >>> en_clair(ZeroDivisionError("division by zero"))
    'contenu inattendu : ZeroDivisionError'
    """
    if isinstance(cause, CafdiagError) or not isinstance(cause, Exception):
        return str(cause).rstrip(".")
    texte = str(cause)
    # Par leur nom : ce socle n'importe aucune bibliothèque pour une faute qui n'arrive presque jamais.
    for classe in type(cause).__mro__:
        if dit := _REFUS.get(f"{classe.__module__}.{classe.__name__}") or _REFUS.get(classe.__module__.split(".")[0]):
            ou = re.search(r"line (\d+)(?:, column (\d+))?", f"{texte} line {getattr(cause, 'lineno', None)}")
            dit += (f", ligne {ou[1]}" if ou else "") + (f", colonne {ou[2]}" if ou and ou[2] else "")
            if classe.__module__ == "tomllib" and "overwrite" in texte:
                return f"{dit} : une clef écrite deux fois"
            if classe.__module__ == "tomllib" and re.search(r"Illegal character '\\n'|Unterminated string", texte):
                return f"{dit} : un guillemet n'est pas fermé"
            barre = classe.__module__ == "tomllib" and re.search(r"\\|hex value", texte)
            return dit + (" : écrivez / au lieu de \\" if barre else "")
    numero = getattr(cause, "errno", None)
    if isinstance(numero, int):
        return _PANNES.get(numero, f"panne du système, numéro {numero}")
    if isinstance(cause, UnicodeDecodeError):
        return f"ce n'est pas du texte en UTF-8 : octet {cause.start + 1}"
    if isinstance(cause, json.JSONDecodeError):
        return f"JSON mal formé, ligne {cause.lineno}, colonne {cause.colno}"
    if isinstance(cause, KeyError) and cause.args:
        # Une phrase n'est pas une clef : c'est l'anglais d'une bibliothèque.
        return "il y manque une partie" if " " in str(cause.args[0]) else f"« {cause.args[0]} » manque"
    if isinstance(cause, RuntimeError) and "password" in texte:
        return "protégé par un mot de passe"
    return f"contenu inattendu : {type(cause).__name__}"


def peut_etre(ecrit: str, connus: Iterable[str]) -> str:
    """La suite d'une phrase qui refuse un nom inconnu : celui qu'on a sans doute voulu écrire.

    >>> peut_etre("Contat", ["caf", "contact"]), peut_etre("logo", ["caf"])
    (', peut-être « contact »', '')
    """
    formes = {c.lower(): c for c in connus}
    proches = difflib.get_close_matches(ecrit.lower(), formes, n=1)
    return f", peut-être « {formes[proches[0]]} »" if proches else ""


class ProductionImpossible(CafdiagError):
    """Le document demandé n'a pas pu être produit ; rien n'a été écrit à moitié."""


class NonLu(UserWarning):
    """Ce qu'un fichier bien lu portait en plus : cela se dit, rien ne se perd en silence."""


def tout_lire(*lectures: Callable[[], Any], d_abord: tuple[type[CafdiagError], ...] = ()) -> list[Any]:
    """Le résultat de chaque lecture ; si plusieurs échouent, toutes leurs fautes en une seule erreur.

    Parameters
    ----------
    d_abord : tuple of type
        Une faute de ce genre se dit seule, avant les autres.

    Examples
    --------
    >>> tout_lire(lambda: 1, lambda: "deux")
    [1, 'deux']
    """
    lus: list[Any] = []
    fautes: list[CafdiagError] = []
    for lecture in lectures:
        try:
            lus.append(lecture())
        except CafdiagError as faute:
            fautes.append(faute)
    premieres = [faute for faute in fautes if isinstance(faute, d_abord)]
    if premieres or len(fautes) == 1:
        raise (premieres or fautes)[0]
    if fautes:
        raise DemandeFausse(f"{len(fautes)} défauts — " + " ; ".join(str(f).rstrip(".") for f in fautes))
    return lus
