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

import errno
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PANNES = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
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
    errno.EIO: "le disque ne répond pas bien",
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
        Path(chemin).name, [f"fichier illisible ({_raison(cause)})"], attendu=attendu, conseil=conseil
    )


def panne_systeme(cause: object) -> str:
    """Ce que le système refuse, en français : lui ne le dit qu'en anglais.

    >>> panne_systeme(PermissionError(13, "Permission denied"))
    'accès refusé'
    """
    numero = getattr(cause, "errno", None)
    if numero is None:
        return str(cause) or type(cause).__name__
    return _PANNES.get(numero, f"panne du système, numéro {numero}")


def _raison(cause: Exception) -> str:
    """Pourquoi la lecture a échoué, en français."""
    if isinstance(cause, IsADirectoryError):
        return "c'est un dossier"
    if isinstance(cause, PermissionError):
        return "accès refusé : dossier, droit manquant, ou fichier ouvert ailleurs"
    if isinstance(cause, UnicodeDecodeError):
        return f"ce n'est pas du texte en UTF-8 : octet {cause.start + 1}"
    if isinstance(cause, json.JSONDecodeError):
        return f"JSON mal formé, ligne {cause.lineno}, colonne {cause.colno}"
    # Par leur nom : ce socle n'importe ni zipfile ni pyarrow pour une faute qui n'arrive presque jamais.
    if type(cause).__name__ == "BadZipFile":
        return "classeur ou archive incomplets : la fin du fichier manque, ou il n'en a que l'extension"
    if type(cause).__module__.startswith("pyarrow") and re.search("parquet|magic", str(cause), re.IGNORECASE):
        return "fichier parquet incomplet, ou qui n'en a que l'extension"
    return panne_systeme(cause)


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
