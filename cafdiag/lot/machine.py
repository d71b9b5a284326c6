"""Les carnets d'un lot sur cette machine : un processus par carnet, copié d'un original sous Linux, neuf ailleurs.

L'original est un processus préchargé, à un seul fil : il charge une fois les bibliothèques et les tables, joue une fois
le carnet pour que les calculs communs soient faits, puis attend. Une copie (``fork``) coûte quelques millisecondes, là
où un processus neuf redémarre Python et réimporte tout. Un processus qui a plusieurs fils ne se copie pas sans risque :
l'original se compte lui-même et refuse de servir s'il n'est pas seul.

Le ``forkserver`` de Python ne convient pas : il n'y en a qu'un par processus, ses modules se choisissent avant son
départ et sans paramètres (le carnet à jouer d'avance ne s'y dit pas, un second lot garderait les tables du premier),
son environnement est figé, et un travailleur dask, « démon », n'a pas le droit de s'en servir.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from cafdiag.erreurs import CafdiagError, DemandeFausse, ProductionImpossible
from cafdiag.magasin import garder_contours, lire_parquet
from cafdiag.restitution import processus
from cafdiag.restitution.copie import SEUL, fils, naitre
from cafdiag.restitution.processus import TRACE, Limites, Resultat, Travail, commande_python
from cafdiag.restitution.produire import Commande, contenus

MOTEURS = ("auto", "copie", "neuf")
_DEPART = 120.0  # secondes laissées à l'original pour tout charger
_COPIES = 2  # essais d'un carnet dans une copie, si l'original meurt sous lui
MODULES = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "shapely",
    "geopandas",
    "pyproj",
    "matplotlib.pyplot",
    "folium",
    "cafdiag.restitution.diagnostic",
    "cafdiag.restitution.produire",
    "cafdiag.restitution.carnet",
)


class OriginalPerdu(ProductionImpossible):
    """L'original ne peut pas, ou plus, donner de copie ; aucun carnet n'y est pour rien."""


class Original:
    """L'original, vu du lot. Sitôt construit, il commence ses imports ; :meth:`preparer` attend qu'il soit prêt.

    Parameters
    ----------
    environnement : dict, optional
        Variables d'environnement à ajouter, pour lui et pour ses copies.

    Raises
    ------
    OriginalPerdu
        Pas Linux.
    """

    def __init__(self, *, environnement: dict[str, str] | None = None) -> None:
        if not sys.platform.startswith("linux"):
            raise OriginalPerdu("la copie de processus n'est sûre que sous Linux")
        self._ajouts = dict(environnement or {})
        self._controle, la_bas = socket.socketpair()
        self._perdu = False
        with la_bas:
            # Session à part : un Ctrl-C au clavier ne frappe que le lot, qui range avant de sortir.
            self._processus = subprocess.Popen(
                commande_python("cafdiag.lot.machine", str(la_bas.fileno())),
                pass_fds=[la_bas.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | self._ajouts | SEUL | {"MPLBACKEND": TRACE},
            )

    def preparer(
        self, gabarit: str = "", parametres: dict[str, str] | None = None, cibles: Sequence[str] = ()
    ) -> Original:
        """Donne le carnet à jouer d'avance, s'il y en a un, et attend que l'original puisse servir.

        Les territoires dont on dit la clé y sont mesurés ensemble : leurs rapports n'auront plus qu'à lire.

        Raises
        ------
        OriginalPerdu
            Le préchargement a échoué, ou a laissé plusieurs fils.
        """
        refus = "il n'a pas démarré"
        try:
            with self._demander("preparer", gabarit, parametres or {}, list(cibles)) as fil:
                if fil.poll(_DEPART + len(cibles)):
                    refus = fil.recv()
        except (OSError, EOFError):
            pass
        if refus:
            self.fermer()
            raise OriginalPerdu(f"l'original ne peut pas servir : {refus}")
        return self

    @property
    def vivant(self) -> bool:
        """Vrai tant que l'original peut encore donner une copie."""
        # Le système ferme les prises d'un processus tué avant de le dire fini : elles savent les premières.
        return not self._perdu and self._processus.poll() is None

    def copie(self, dossier: Path) -> Copie:
        """Une copie neuve, qui joue le carnet de ce dossier."""
        variables = os.environ | {"MPLBACKEND": TRACE} | self._ajouts
        try:
            fil = self._demander("jouer", str(dossier), variables)
            return Copie(self, fil, fil.recv())
        except (OSError, EOFError):
            raise self.perdu() from None

    def perdu(self) -> OriginalPerdu:
        """L'original ne répond plus : il ne servira plus, et voici l'erreur à lever."""
        self._perdu = True
        return OriginalPerdu("l'original s'est arrêté")

    def _demander(self, *demande: Any) -> Connection:
        """Une prise par demande : elle part vers l'original avec un octet, la demande et ses réponses y passent."""
        ici, la_bas = socket.socketpair()
        with la_bas:
            fil = Connection(ici.detach())
            socket.send_fds(self._controle, [b"."], [la_bas.fileno()])
        fil.send(demande)
        return fil

    def fermer(self) -> None:
        """Arrête l'original ; ses copies le suivent."""
        self._controle.close()
        try:
            self._processus.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._processus.kill()
            self._processus.wait()


class Copie:
    """Une copie de l'original, vue du lot ; voir :class:`cafdiag.restitution.processus.Processus`."""

    def __init__(self, original: Original, fil: Connection, pid: int) -> None:
        self._original, self._fil, self.pid = original, fil, pid

    def attendre(self, secondes: float) -> int | None:
        """Son code de sortie, ou None si elle vit encore.

        Raises
        ------
        OriginalPerdu
            L'original est mort, et elle avec lui : son carnet n'y est pour rien.
        """
        try:
            if not self._fil.poll(secondes):
                return None
            code = self._fil.recv()
        except (OSError, EOFError):
            raise self._original.perdu() from None
        self._fil.close()
        return code

    def arreter(self) -> None:
        """La tue, avec ce qu'elle a lancé, et attend sa fin : seul l'original connaît les siennes."""
        with contextlib.suppress(OSError, EOFError):
            self._fil.send("arreter")
            self._fil.recv()
        self._fil.close()


class Panne(Exception):
    """La machinerie a failli, pas le carnet : le diagnostic peut être relancé."""


class Machine:
    """Cette machine : un fil par diagnostic en cours, qui surveille son processus.

    Parameters
    ----------
    moteur : {"auto", "copie", "neuf"}
    places : int
        Diagnostics menés de front ; 0 : un par cœur.
    limites : Limites
    commande : Commande
        La première du lot : son carnet est celui que joue d'avance l'original.
    annoncer : callable
        Reçoit les phrases à dire.
    seule : bool
        Vrai si le lot n'a que cette commande : la jouer d'avance serait la jouer deux fois.
    cibles : sequence of str
        Clés des territoires du lot, mesurés ensemble avant le premier carnet.
    original : Original, optional
        Un original déjà démarré.
    environnement : dict, optional
        Variables d'environnement à ajouter.

    Raises
    ------
    DemandeFausse
        Moteur inconnu.
    """

    def __init__(
        self,
        moteur: str,
        places: int,
        limites: Limites,
        commande: Commande,
        *,
        annoncer: Callable[[str], None],
        seule: bool = False,
        cibles: Sequence[str] = (),
        original: Original | None = None,
        environnement: dict[str, str] | None = None,
    ) -> None:
        self.places = places or places_par_defaut()
        self._limites, self._annoncer, self._environnement = limites, annoncer, environnement or {}
        self._d_avance = ("", {}, ()) if seule else (str(commande.gabarit), commande.parametres, cibles)
        self._arret, self._verrou = threading.Event(), threading.Lock()
        # Un processus tué ne range rien : son dossier est dans celui-ci, que le lot ôte.
        self._provisoire = tempfile.TemporaryDirectory(prefix="cafdiag-lot-", ignore_cleanup_errors=True)
        self._fils = ThreadPoolExecutor(self.places, thread_name_prefix="cafdiag-lot")
        self._original: Original | None = None
        self.moteur = choisir(moteur, annoncer=annoncer)
        try:
            if self.moteur == "copie":
                self._original_prepare(original, "ce lot se fait par « neuf », plus lent, mêmes rapports")
        except OriginalPerdu:
            pass
        except BaseException:
            self.fermer(interrompre=True)
            raise

    def soumettre(self, commande: Commande) -> Future[Resultat]:
        """Confie une commande ; rend un ``Future``."""
        return self._fils.submit(self._produire, commande)

    def _produire(self, commande: Commande) -> Resultat:
        # Un nettoyeur de fichiers temporaires peut passer pendant un long lot.
        os.makedirs(self._provisoire.name, exist_ok=True)
        travail = Travail(
            commande.suffixe,
            commande.gabarit,
            commande.parametres,
            commande.delai,
            partial(contenus, commande=commande),
        )
        for _ in range(_COPIES):
            # Un original mort est relancé ; son carnet n'y est pour rien, sauf s'il le tue chaque fois.
            with contextlib.suppress(OriginalPerdu):
                if self.moteur == "copie":
                    return self._mener(travail, "copie", self._copier)
        return self._mener(travail, "neuf", partial(processus.neuf, environnement=self._environnement))

    def _mener(self, travail: Travail, moteur: str, demarrer: Callable[[Path], processus.Processus]) -> Resultat:
        rendu = processus.jouer(
            travail, self._limites, demarrer=demarrer, interrompu=self._arret.is_set, ou=self._provisoire.name
        )
        return replace(rendu, moteur=moteur)

    def _copier(self, dossier: Path) -> Copie:
        with self._verrou:
            if self._original is None or not self._original.vivant:
                self._original_prepare(None, "la suite de ce lot se fait par « neuf », mêmes rapports")
            original = self._original
        assert original is not None
        return original.copie(dossier)

    def _original_prepare(self, original: Original | None, repli: str) -> None:
        if self.moteur != "copie":
            raise OriginalPerdu("déjà dit")
        if self._original is not None:
            self._original.fermer()
        try:
            self._original = original = original or Original(environnement=self._environnement)
            original.preparer(*self._d_avance)
        except OriginalPerdu as cause:
            self.moteur = "neuf"
            self._annoncer(f"{cause.trouve} : {repli}.")
            raise

    def lire(self, futur: Future[Resultat]) -> Resultat:
        """Le résultat d'un ``Future`` fini.

        Raises
        ------
        Panne
            La machinerie a failli.
        """
        try:
            return futur.result()
        except Exception as cause:
            raise Panne(f"{type(cause).__name__} : {cause}") from cause

    def verifier(self) -> None:
        """Rien à surveiller : une panne d'ici se voit au résultat."""

    def fermer(self, *, interrompre: bool = False) -> None:
        """Range tout ; ``interrompre`` arrête aussi ce qui est en cours."""
        if interrompre:
            self._arret.set()
        self._fils.shutdown(wait=True, cancel_futures=True)
        if self._original is not None:
            self._original.fermer()
        self._provisoire.cleanup()


def choisir(moteur: str, *, annoncer: Callable[[str], None]) -> str:
    """Le moteur qui servira ici, repli annoncé.

    Parameters
    ----------
    moteur : {"auto", "copie", "neuf"}
        ``auto`` prend les copies sous Linux.
    annoncer : callable
        Reçoit la raison d'un repli.

    Raises
    ------
    DemandeFausse
        Moteur inconnu.

    Examples
    --------
    >>> choisir("neuf", annoncer=print)
    'neuf'
    """
    if moteur not in MOTEURS:
        raise DemandeFausse(f"moteur inconnu : « {moteur} »", attendu=", ".join(MOTEURS))
    if moteur == "neuf":
        return moteur
    if sys.platform.startswith("linux"):
        return "copie"
    if moteur == "copie":
        annoncer("le moteur « copie » demande Linux : ce lot se fait par « neuf », plus lent, mêmes rapports.")
    return "neuf"


def places_par_defaut() -> int:
    """Diagnostics menés de front : un par cœur utilisable.

    >>> places_par_defaut() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --- Dans l'original ---


def principal() -> None:
    """Charge, puis sert jusqu'à la fermeture de la prise."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    refus = ""
    try:
        charger()
    except Exception as cause:  # l'original dit pourquoi il refuse ; le lot se replie sur des processus neufs
        refus = f"{type(cause).__name__} : {cause}"
    with socket.socket(fileno=int(sys.argv[1])) as controle:
        _servir(controle, refus)


def charger() -> None:
    """Importe ce dont les carnets se servent."""
    for module in MODULES:
        importlib.import_module(module)


def precharger(gabarit: str, parametres: dict[str, str], cibles: Sequence[str] = ()) -> Any:
    """Charge modules et tables, mesure les territoires, joue le carnet d'avance ; rend l'interprète des copies."""
    charger()
    if gabarit:
        import matplotlib
        import matplotlib.pyplot as plt

        with lectures_a_un_fil(), matplotlib.rc_context():
            garder_contours()
            if cibles:
                _mesurer_d_avance(cibles, parametres)
            jouer_d_avance(Path(gabarit), parametres)
        plt.close("all")
    from cafdiag.restitution.carnet import interprete

    return interprete()


def _mesurer_d_avance(cibles: Sequence[str], parametres: dict[str, str]) -> None:
    """Toutes les mesures du lot à la fois ; une demande que les carnets refuseront n'arrête rien ici."""
    from cafdiag.indicateurs.options import Options
    from cafdiag.indicateurs.preparation import preparer_pour
    from cafdiag.restitution.demande import lire_annee
    from cafdiag.restitution.evolution import COMMUNES, SERIES
    from cafdiag.territoires import territoire

    if any(parametres.get(nom) for nom in ("qpv", "registre", "registre_complet")):
        # Ce que l'usager apporte ne vaut que pour son lot : rien ne s'en garde.
        return
    with contextlib.suppress(CafdiagError):
        choix: dict[str, Any] = {c.name: parametres[c.name] for c in fields(Options) if c.name in parametres}
        preparer_pour(
            [territoire(cle) for cle in cibles],
            series=SERIES,
            communes=COMMUNES,
            annee=lire_annee(parametres.get("annee")),
            options=Options(**choix),
        )


def _preparer(gabarit: str, parametres: dict[str, str], cibles: Sequence[str]) -> str:
    """Précharge et se compte ; rend pourquoi l'original ne peut pas servir, vide s'il le peut."""
    try:
        precharger(gabarit, parametres, cibles)
    except Exception as cause:
        return f"{type(cause).__name__} : {cause}"
    gc.collect()
    gc.freeze()
    vivants = fils()
    return f"{len(vivants)} fils vivants ({', '.join(vivants)})" if len(vivants) > 1 else ""


def _servir(controle: socket.socket, refus: str) -> None:
    reveil, sonnette = os.pipe()
    os.set_blocking(reveil, False)
    os.set_blocking(sonnette, False)
    signal.set_wakeup_fd(sonnette, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    enfants: dict[int, Connection] = {}
    while True:
        prets = wait([controle, reveil, *enfants.values()])
        if reveil in prets:
            with contextlib.suppress(BlockingIOError):
                os.read(reveil, 4096)
            _moissonner(enfants)
        for pid, fil in list(enfants.items()):
            # On demande de l'arrêter, ou plus personne ne l'attend.
            if fil in prets:
                _abattre(pid)
                _moissonner(enfants, sans_attendre=False, seulement=pid)
        if controle in prets:
            octet, descripteurs, _, _ = socket.recv_fds(controle, 1, 1)
            if not octet:
                break
            _repondre(Connection(descripteurs[0]), controle, (reveil, sonnette), enfants, refus)
    for pid in enfants:
        _abattre(pid)


def _repondre(
    fil: Connection,
    controle: socket.socket,
    signaux: tuple[int, int],
    enfants: dict[int, Connection],
    refus: str,
) -> None:
    # Un lot interrompu n'écoute plus : l'original le verra à la prochaine lecture, et s'arrêtera sans bruit.
    with contextlib.suppress(OSError, EOFError):
        genre, *demande = fil.recv()
        if genre == "preparer":
            fil.send(refus or _preparer(*demande))
            fil.close()
            return
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inutile in (*signaux, controle.detach()):
                os.close(inutile)
            for autre in (fil, *enfants.values()):
                autre.close()
            naitre(*demande)
        enfants[pid] = fil
        fil.send(pid)


def _abattre(pid: int) -> None:
    """Le carnet et tout ce qu'il a lancé : le groupe porte le numéro du carnet."""
    for tuer in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            tuer(pid, signal.SIGKILL)


def _moissonner(enfants: dict[int, Connection], *, sans_attendre: bool = True, seulement: int = 0) -> None:
    """Relève les copies finies et dit au lot comment chacune a fini."""
    for pid in [seulement] if seulement else list(enfants):
        # WNOWAIT : tant que le carnet n'est pas relevé, son numéro ne peut pas désigner un autre groupe.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | (os.WNOHANG if sans_attendre else 0)) is None:
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _, statut = os.waitpid(pid, 0)
        with contextlib.suppress(OSError), enfants.pop(pid) as fil:
            fil.send(os.waitstatus_to_exitcode(statut))


# --- Charger sans ouvrir de fil ---

def _contours_a_un_fil(chemin, *, columns=None, filters=None):
    """``geopandas.read_parquet`` : son ouverture du fichier, elle, démarre des fils."""
    import geopandas

    table = lire_parquet(chemin, columns=columns, filters=filters)
    decrit = json.loads(table.schema.metadata[b"geo"])
    colonne = decrit["primary_column"]
    cadre = table.to_pandas(use_threads=False)
    crs = decrit["columns"][colonne].get("crs", "OGC:CRS84")
    cadre[colonne] = geopandas.GeoSeries.from_wkb(cadre[colonne], crs=crs)
    return geopandas.GeoDataFrame(cadre, geometry=colonne)


@contextlib.contextmanager
def lectures_a_un_fil() -> Iterator[None]:
    """Lire sans ouvrir de fil : l'original n'en a qu'un."""
    import geopandas
    import pandas
    from pyarrow import parquet

    ordinaires = pandas.read_parquet, geopandas.read_parquet, parquet.read_table
    pandas.read_parquet = functools.partial(ordinaires[0], to_pandas_kwargs={"use_threads": False})
    geopandas.read_parquet = _contours_a_un_fil
    parquet.read_table = lire_parquet
    try:
        yield
    finally:
        pandas.read_parquet, geopandas.read_parquet, parquet.read_table = ordinaires


# --- Jouer le carnet d'avance ---


def jouer_d_avance(gabarit: Path, parametres: dict[str, str]) -> list[int]:
    """Joue les cellules sûres d'un carnet, sans rien en garder que les mémoires internes des modules.

    Une cellule qui règle pandas, change l'environnement ou dessine laisserait sa marque dans toutes les copies : elle
    attend son tour, dans chacune.

    Parameters
    ----------
    gabarit : Path
        Le carnet modèle.
    parametres : dict of str
        Valeurs qui remplacent celles de la cellule de paramètres.

    Returns
    -------
    list of int
        Rang des cellules jouées. Une cellule qui échoue est passée : sa faute se dira dans les carnets.
    """
    from IPython.core.formatters import DisplayFormatter

    afficher = DisplayFormatter().format
    espace: dict[str, Any] = {"__name__": "__main__"}
    surs: set[str] = set()
    jouees = []
    for rang, cellule in enumerate(json.loads(gabarit.read_text(encoding="utf-8"))["cells"]):
        if cellule["cell_type"] != "code":
            continue
        arbre = cellule_sure("".join(cellule["source"]), surs)
        if arbre is None:
            continue
        try:
            derniere = arbre.body[-1] if arbre.body else None
            if isinstance(derniere, ast.Expr):
                arbre.body.pop()
            exec(compile(arbre, "<carnet joué d'avance>", "exec"), espace)
            if isinstance(derniere, ast.Expr):
                afficher(eval(compile(ast.Expression(derniere.value), "<carnet joué d'avance>", "eval"), espace))
        except Exception:  # la vraie exécution dira cette faute, à sa place et pour son territoire
            continue
        jouees.append(rang)
        if "parameters" in cellule["metadata"].get("tags", []):
            espace |= parametres
    return jouees


def cellule_sure(source: str, surs: set[str]) -> ast.Module | None:
    """L'arbre d'une cellule qui ne touche qu'à cafdiag ; None sinon.

    Parameters
    ----------
    source : str
        La cellule.
    surs : set of str
        Noms connus pour être de cafdiag, ou des constantes ; complété par ce que la cellule définit.

    Examples
    --------
    >>> surs = set()
    >>> for cellule in ("import cafdiag as cd", "code = '53'", "d = cd.Diagnostic(code)", "d.garde()",
    ...                 "import pandas as pd", "pd.set_option('display.width', 9)", "d.x = 1", "print(d)"):
    ...     print(cellule_sure(cellule, surs) is not None, cellule)
    True import cafdiag as cd
    True code = '53'
    True d = cd.Diagnostic(code)
    True d.garde()
    False import pandas as pd
    False pd.set_option('display.width', 9)
    False d.x = 1
    False print(d)
    """
    try:
        arbre = ast.parse(source)
    except SyntaxError:
        return None
    nouveaux = set(surs)
    for instruction in arbre.body:
        if not _instruction_sure(instruction, nouveaux):
            return None
    surs |= nouveaux
    return arbre


def _instruction_sure(instruction: ast.stmt, surs: set[str]) -> bool:
    if isinstance(instruction, ast.Import):
        surs |= {alias.asname or alias.name for alias in instruction.names}
        return all(alias.name.split(".")[0] == "cafdiag" for alias in instruction.names)
    if isinstance(instruction, ast.ImportFrom):
        surs |= {alias.asname or alias.name for alias in instruction.names}
        return instruction.level == 0 and (instruction.module or "").split(".")[0] == "cafdiag"
    if isinstance(instruction, ast.Assign):
        cibles = {c.id for c in instruction.targets if isinstance(c, ast.Name)}
        if any(not isinstance(c, ast.Name) for c in instruction.targets) or not _valeur_sure(instruction.value, surs):
            return False
        surs |= cibles
        return True
    return isinstance(instruction, ast.Expr) and _valeur_sure(instruction.value, surs)


def _valeur_sure(valeur: ast.expr, surs: set[str]) -> bool:
    if isinstance(valeur, ast.Constant):
        return True
    if isinstance(valeur, ast.Name):
        return valeur.id in surs
    if isinstance(valeur, ast.Attribute):
        return not valeur.attr.startswith("_") and _valeur_sure(valeur.value, surs)
    if isinstance(valeur, ast.List | ast.Tuple):
        return all(_valeur_sure(v, surs) for v in valeur.elts)
    if isinstance(valeur, ast.Call):
        donnees = [*valeur.args, *(k.value for k in valeur.keywords)]
        return _valeur_sure(valeur.func, surs) and all(_valeur_sure(v, surs) for v in donnees)
    return False
