"""Les choix que partagent plusieurs commandes : fichiers apportés, options de calcul, paramètres du carnet."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from cafdiag.erreurs import DemandeFausse, TerritoireAmbigu
from cafdiag.millesimes import millesime

if TYPE_CHECKING:
    from cafdiag.donnees import Apports
    from cafdiag.territoires import Territoire


def annoncer(lieu: Territoire, demande: str = "") -> None:
    """Dit sur la sortie d'erreur ce qu'il a fallu interpréter pour trouver ce territoire.

    ``demande`` est ce qui a été tapé : le code d'une commune peut être aussi le code postal d'une autre.
    """
    from cafdiag.territoires.recherche import communes_du_code_postal, decrire_tous

    dits = list(lieu.avertissements)
    if lieu.maille == "commune" and demande.strip() == lieu.code:
        postales = communes_du_code_postal(lieu.code)
        if postales and lieu.code not in postales:
            lieux = decrire_tous(("commune", code) for code in postales)
            reste = f" ; et {len(lieux) - 3} autres" if len(lieux) > 4 else ""
            ailleurs = " ; ".join(lieux[: 3 if reste else None]) + reste
            dits.append(
                f"{lieu.code} est lu comme le code Insee de {lieu.nom} ; c'est aussi le code postal de : {ailleurs}"
            )
    for dit in dits:
        print(f"cafdiag : {dit}", file=sys.stderr)


def lire_lieu(code: str) -> Territoire:
    """Le territoire demandé ; ce qu'il a fallu interpréter est dit (:func:`annoncer`)."""
    from cafdiag.territoires import territoire

    lieu = territoire(code)
    annoncer(lieu, code)
    return lieu


def format_de_sortie(*sous: argparse.ArgumentParser) -> None:
    """Ce que la commande écrit sur la sortie standard."""
    for commande in sous:
        commande.add_argument("--format", choices=["texte", "json", "csv"], default="texte")


def au_clavier() -> bool:
    """Vrai si quelqu'un peut lire une question et y répondre : ni tube, ni fichier, ni programme."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


# Au-delà de tant de secondes sans rien dire, un écran vide inquiète.
PATIENCE = 2.0


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Au terminal, dit qu'un calcul est en cours plutôt que de laisser l'écran vide."""
    if not sys.stderr.isatty():
        yield
        return
    dire = partial(print, "cafdiag : calcul en cours…", file=sys.stderr, flush=True)
    minuterie = threading.Timer(PATIENCE, dire)
    minuterie.daemon = True
    minuterie.start()
    try:
        yield
    finally:
        minuterie.cancel()


def preciser(options: argparse.Namespace, faute: TerritoireAmbigu) -> argparse.Namespace:
    """Les options où le territoire ambigu est celui que l'usager a choisi par son rang, au clavier.

    Hors d'un terminal, sans réponse ou si rien ne le désigne dans les options, la faute est levée telle quelle :
    rien n'est deviné.
    """
    neuves = argparse.Namespace(**vars(options))

    def remplace(valeur: Any, cle: str) -> Any:
        if isinstance(valeur, list):
            return [remplace(v, cle) for v in valeur]
        return cle if valeur == faute.demande else valeur

    # Le nom d'usage se donne : « diagnostic Brest --nom Brest » garde le sien.
    dites = {nom: valeur for nom, valeur in vars(options).items() if nom != "nom"}
    designe = any(remplace(valeur, "") != valeur for valeur in dites.values())
    if not designe or not au_clavier():
        raise faute
    print(f"cafdiag : « {faute.cle} » désigne plusieurs territoires :", file=sys.stderr)
    for rang, proposition in enumerate(faute.propositions, 1):
        print(f"  {f'{rang}.' if rang <= len(faute.choix) else '  '} {proposition}", file=sys.stderr)
    while True:
        print(f"Lequel ? (1 à {len(faute.choix)} ; Entrée pour renoncer) ", end="", file=sys.stderr, flush=True)
        reponse = sys.stdin.readline().strip()
        if not reponse:
            raise faute
        if reponse.isdecimal() and 1 <= int(reponse) <= len(faute.choix):
            break
    for nom, valeur in dites.items():
        setattr(neuves, nom, remplace(valeur, faute.choix[int(reponse) - 1]))
    return neuves


def apports(sous: argparse.ArgumentParser) -> None:
    """Les fichiers de l'utilisateur."""
    sous.add_argument("--qpv", metavar="FICHIER", help=f"contours des QPV {millesime('qpv.liste')} de l'ANCT")
    sous.add_argument("--registre", metavar="FICHIER", help="registre de structures (CSV)")
    sous.add_argument(
        "--registre-complet",
        metavar="DEPARTEMENTS",
        default="",
        help="départements où ce registre est complet, par exemple 49,53",
    )


def lire_apports(options: argparse.Namespace) -> Apports | None:
    """Lit les fichiers apportés, et dit sur la sortie d'erreur ce qui en a été écarté."""
    if not (options.qpv or options.registre or options.registre_complet):
        return None
    from cafdiag.donnees import lire_apports as lire

    complets = [d for d in options.registre_complet.split(",") if d.strip()]
    apports = lire(qpv=options.qpv, registre=options.registre, registre_complet=complets)
    for rendu in (apports.compte_rendu, apports.compte_rendu_qpv):
        if rendu and (rendu.rejets or rendu.de_cote or rendu.remarques):
            print(f"cafdiag : {rendu.en_texte()}", file=sys.stderr)
    return apports


def choix(sous: argparse.ArgumentParser) -> None:
    """Les choix de calcul."""
    sous.add_argument(
        "--definition-qpv",
        metavar="DEFINITION",
        default="proximite",
        help="couverture d'un QPV : proximite (à 500 m, par défaut) ou stricte (dedans)",
    )
    sous.add_argument(
        "--distance-alsh", metavar="KM", default="5", help="accueil de loisirs dit proche : 5 km"
    )
    secret(sous)


def secret(sous: argparse.ArgumentParser) -> None:
    """Le seuil du secret."""
    sous.add_argument(
        "--seuil-caf",
        metavar="NOMBRE",
        default="5",
        help="une donnée confidentielle d'un partenaire se tait en deçà : 5",
    )


def acces(sous: argparse.ArgumentParser) -> None:
    """Les choix de l'accessibilité."""
    durees(sous)
    sous.add_argument(
        "--poids-acces", metavar="POIDS", default="binaire", help="places à portée : binaire, ou paliers"
    )


def durees(sous: argparse.ArgumentParser) -> None:
    """Les durées d'accès et la vitesse."""
    sous.add_argument("--minutes", metavar="MIN", default="15", help="durée d'accès au plus : 15 minutes")
    sous.add_argument(
        "--minutes-france-services", metavar="MIN", default="20", help="à une France services : 20 minutes"
    )
    sous.add_argument("--vitesse", metavar="KMH", default="50", help="vitesse sur la route : 50 km/h")


def identite(sous: argparse.ArgumentParser) -> None:
    """L'identité de la note et des diapositives, et le modèle de celles-ci."""
    sous.add_argument(
        "--identite",
        metavar="FICHIER",
        default="",
        help="identité écrite sur la note, les diapositives et les fiches : caf, contact, date, logo ; par défaut "
        "identite.toml de --sortie, ou d'ici",
    )
    sous.add_argument(
        "--modele",
        metavar="FICHIER",
        default="",
        help="modèle PowerPoint de la Caf (.pptx ou .potx), pour --formats pptx",
    )


def autre_parametre(sous: argparse.ArgumentParser) -> None:
    """Un paramètre du carnet par son nom."""
    sous.add_argument(
        "-p",
        "--parametre",
        nargs=2,
        action="append",
        default=[],
        metavar=("NOM", "VALEUR"),
        help="autre paramètre du carnet",
    )


# Option de la ligne de commande, pour chaque choix de calcul.
_CALCUL = {
    "definition_qpv": "definition_qpv",
    "distance_alsh_km": "distance_alsh",
    "seuil_caf": "seuil_caf",
    "acces_minutes": "minutes",
    "acces_fs_minutes": "minutes_france_services",
    "vitesse_kmh": "vitesse",
    "poids_acces": "poids_acces",
}


def calcul(options: argparse.Namespace) -> dict[str, Any]:
    """Les choix de calcul que la commande connaît, sous leur nom dans :class:`cafdiag.Options`."""
    return {nom: getattr(options, option) for nom, option in _CALCUL.items() if hasattr(options, option)}


def questionnaire(sous: argparse.ArgumentParser) -> None:
    """Ajoute ``--questionnaire``."""
    sous.add_argument(
        "--questionnaire",
        default="",
        metavar="FICHIERS",
        help="réponses des familles (« cafdiag questionnaire »), séparées par des virgules : leurs mots vont dans la "
        "parole des acteurs",
    )


def parametres(options: argparse.Namespace) -> dict[str, str]:
    """Les paramètres du carnet, pour les commandes qui ont :func:`apports`, :func:`choix` et :func:`durees`."""
    fichiers = {n: getattr(options, n, "") for n in ("qpv", "registre", "registre_complet", "questionnaire")}
    valeurs = fichiers | calcul(options)
    return {n: str(v) for n, v in valeurs.items() if v} | dict(options.parametre)


def tout_lire(*lectures: Callable[[], Any]) -> list[Any]:
    """:func:`cafdiag.erreurs.tout_lire` ; au clavier, un nom ambigu se précise d'abord, le reste se dira ensuite."""
    from cafdiag.erreurs import tout_lire as lire

    return lire(*lectures, d_abord=(TerritoireAmbigu,) if au_clavier() else ())


@contextlib.contextmanager
def noms_dits() -> Iterator[None]:
    """Dit, à la fin, qu'un fichier retouché a été gardé sous quel nom, et ce qui n'a pas été lu d'un fichier donné."""
    from cafdiag.erreurs import NonLu
    from cafdiag.restitution.archives import DocxRetouche

    with warnings.catch_warnings(record=True) as dits:
        warnings.simplefilter("always", DocxRetouche)
        warnings.simplefilter("always", NonLu)
        yield
    for dit in dits:
        print(f"cafdiag : {dit.message}.", file=sys.stderr)


# Les phrases d'argparse que l'on peut rencontrer ici, avant qu'il n'y mette ses valeurs.
_PHRASES = {
    "usage: ": "usage : ",
    "positional arguments": "arguments ",
    "options": "options ",
    "show this help message and exit": "affiche cette aide",
    "argument %(argument_name)s: %(message)s": "argument %(argument_name)s : %(message)s",
    "unknown parser %(parser_name)r (choices: %(choices)s)": (
        "commande inconnue : « %(parser_name)s » (au choix : %(choices)s)"
    ),
    "invalid choice: %(value)r (choose from %(choices)s)": (
        "choix inconnu : « %(value)s » (au choix : %(choices)s)"
    ),
    "invalid %(type)s value: %(value)r": "nombre entier attendu, pas « %(value)s »",
    "the following arguments are required: %s": "il manque : %s",
    "one of the arguments %s is required": "il manque une option parmi : %s",
    "unrecognized arguments: %s": "options inconnues : %s",
    "not allowed with argument %s": "incompatible avec %s",
    "ignored explicit argument %r": "n'attend pas de valeur (%r)",
    "expected one argument": "une valeur est attendue",
    "expected at most one argument": "une valeur au plus est attendue",
    "expected at least one argument": "au moins une valeur est attendue",
    "expected %s argument": "%s valeur est attendue",
    "expected %s arguments": "%s valeurs sont attendues",
    "ambiguous option: %(option)s could match %(matches)s": (
        "option abrégée ambiguë : %(option)s (au choix : %(matches)s)"
    ),
}


def _traduire(phrase: str) -> str:
    return _PHRASES.get(phrase, phrase)


def _traduire_nombre(une: str, plusieurs: str, nombre: int) -> str:
    return _traduire(une if nombre == 1 else plusieurs)


@contextlib.contextmanager
def _en_francais() -> Iterator[None]:
    """argparse passe ses phrases par ces deux fonctions ; on ne les prête que le temps d'un appel."""
    siennes = argparse._, argparse.ngettext  # type: ignore[attr-defined]
    argparse._, argparse.ngettext = _traduire, _traduire_nombre  # type: ignore[attr-defined]
    try:
        yield
    finally:
        argparse._, argparse.ngettext = siennes  # type: ignore[attr-defined]


class Analyseur(argparse.ArgumentParser):
    """argparse en français ; une faute lève une DemandeFausse.

    >>> a = Analyseur(prog="essai")
    >>> _ = a.add_argument("--annee", type=int, help="année des données")
    >>> print(a.format_help())
    usage : essai [-h] [--annee ANNEE]
    <BLANKLINE>
    options :
      -h, --help     affiche cette aide
      --annee ANNEE  année des données
    <BLANKLINE>
    >>> try:
    ...     _ = a.parse_args(["--annee", "vingt"])
    ... except DemandeFausse as faute:
    ...     print(faute.trouve)
    argument --annee : nombre entier attendu, pas « vingt »
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with _en_francais():
            super().__init__(*arguments, **options)

    def parse_known_args(self, *arguments: Any, **options: Any) -> Any:
        """Comme argparse."""
        with _en_francais():
            return super().parse_known_args(*arguments, **options)

    def parse_args(self, *arguments: Any, **options: Any) -> Any:
        """Comme argparse ; une option inconnue propose celle qui lui ressemble, et l'aide de sa commande."""
        lus, restes = self.parse_known_args(*arguments, **options)
        if not restes:
            return lus
        sous: Analyseur = self
        for nom in (getattr(lus, "commande", None), getattr(lus, "action", None)):
            sous = next((s for n, s in sous._commandes() if n == nom), sous)
        inconnues = [r for r in restes if r.startswith("-")]
        connues = list(sous._option_string_actions)
        proches = [p for r in inconnues for p in difflib.get_close_matches(r, connues, n=1)]
        if inconnues:
            raise DemandeFausse(f"options inconnues : {' '.join(inconnues)}" + _essayez(proches), conseil=sous._aide())
        suite = next((a for a in sous._positionals._group_actions if a.nargs in ("+", "*")), None)
        if suite is None:
            raise DemandeFausse(
                f"en trop : {' '.join(restes)}",
                conseil=f"mettez entre guillemets un nom de plusieurs mots ; {sous._aide()}",
            )
        # « importer a.csv --confirmer b.csv » : la suite d'une liste, de l'autre côté d'une option.
        setattr(lus, suite.dest, [*getattr(lus, suite.dest), *restes])
        return lus

    def format_usage(self) -> str:
        """Comme argparse."""
        with _en_francais():
            return super().format_usage()

    def format_help(self) -> str:
        """Comme argparse."""
        with _en_francais():
            return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Lève la faute, avec ce qui y ressemble et où trouver l'aide."""
        if choix := re.search(r"choix inconnu : « (.*) » \(au choix : (.*)\)$", message, re.DOTALL):
            permis = re.findall(r"[\w-]+", choix[2])
            ecrit = _sans_accents(choix[1])
            proches = difflib.get_close_matches(ecrit, permis, n=2)
            # « importer » est une action de « donnees » : la commande entière se dit.
            actions = [f"{nom} {action}" for nom, sous in self._commandes() for action, _ in sous._commandes()
                       if difflib.get_close_matches(ecrit, [action], cutoff=0.8)]
            if proches:
                message = f"{message.partition(' : ')[0]} inconnu : « {choix[1]} »"
            message += _essayez([*proches, *actions])
        raise DemandeFausse(message, conseil=self._aide())

    def _aide(self) -> str:
        return f"voyez « {self.prog} --help »"

    def _commandes(self) -> list[tuple[str, Analyseur]]:
        """Les commandes de cet analyseur, ou les actions de cette commande."""
        return [paire for action in self._actions if isinstance(action, argparse._SubParsersAction)
                for paire in action.choices.items()]


def _sans_accents(texte: str) -> str:
    from cafdiag.territoires.normalisation import normaliser

    return normaliser(texte).replace(" ", "-")


def _essayez(proches: list[str]) -> str:
    return f" ; essayez {' ou '.join(f'« {p} »' for p in dict.fromkeys(proches))}" if proches else ""


def redresser(argument: str) -> str:
    """Une option copiée d'un texte mis en forme, où « -- » est devenu un tiret long.

    >>> redresser("—format"), redresser("–i"), redresser("–-sortie=a–b"), redresser("Val–d'Or"), redresser("-3")
    ('--format', '-i', '--sortie=a–b', "Val–d'Or", '-3')
    """
    trouve = re.fullmatch(r"(?=-*[–—‒−])[-–—‒−]+([A-Za-z][\w-]*)(=.*)?", argument, re.DOTALL)
    return f"{'-' if len(trouve[1]) == 1 else '--'}{trouve[1]}{trouve[2] or ''}" if trouve else argument
