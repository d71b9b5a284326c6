"""La vue départementale : tous les EPCI d'un département sur une page, pour le réseau et le Sdsf."""

from __future__ import annotations

from pathlib import Path

from cafdiag.donnees import Apports
from cafdiag.erreurs import DemandeFausse, TerritoireAmbigu, TerritoireInconnu
from cafdiag.indicateurs import Options
from cafdiag.indicateurs.secret_application import verifier
from cafdiag.magasin import ecrire_ensemble
from cafdiag.restitution.departement_mesures import VueDepartementale
from cafdiag.restitution.departement_page import PageDepartementale
from cafdiag.restitution.produire import verifier_dossier
from cafdiag.territoires import Territoire, territoire


def vue_departementale(
    departement: Territoire | str,
    *,
    sortie: str | Path = "sorties",
    apports: Apports | None = None,
    options: Options | None = None,
) -> dict[str, Path]:
    """Écrit le tableau de bord des EPCI d'un département, en une page autonome.

    Parameters
    ----------
    departement : Territoire or str
        Code ou nom du département (``"53"``, ``"Mayenne"``).
    sortie : path
        Dossier de ``departement-<code>.html`` et de ``mesures-departement-<code>.csv``. La page mène aux
        ``diagnostic-<code>.html`` de ce dossier ; ceux qui n'y sont pas restent en gris.
    apports : Apports, optional
        Registres et contours de l'utilisateur.
    options : Options, optional
        Choix de calcul.

    Returns
    -------
    dict of str to Path
        ``html`` et ``mesures``.

    Raises
    ------
    DemandeFausse
        Ce n'est pas un département, ou il n'a pas d'EPCI.
    ProductionImpossible
        Dossier interdit.
    """
    cible = departement_nomme(departement)
    if cible.maille != "departement":
        raise DemandeFausse(
            f"{cible.libelle} n'est pas un département",
            attendu="un code ou un nom de département, ex. 53",
            conseil="pour un autre territoire, demandez son diagnostic",
        )
    sortie = Path(sortie)
    verifier_dossier(sortie)
    vue = VueDepartementale(cible, apports=apports, options=options)
    verifier(vue.mesures, options=vue.options)
    presents = {c for c in vue.codes if (sortie / f"diagnostic-{c}.html").is_file()}
    fichiers = {
        "html": (sortie / f"departement-{cible.code}.html", PageDepartementale(vue, presents).rendre()),
        "mesures": (
            sortie / f"mesures-departement-{cible.code}.csv",
            vue.mesures.to_csv(index=False, lineterminator="\n"),
        ),
    }
    ecrire_ensemble(dict(fichiers.values()))
    return {forme: chemin for forme, (chemin, _) in fichiers.items()}


def departement_nomme(cle: Territoire | str) -> Territoire:
    """Un département porte souvent aussi le nom d'une commune : ici, la maille est dite d'avance."""
    if not isinstance(cle, str) or ":" in cle or "+" in cle:
        return territoire(cle)
    try:
        return territoire(f"departement:{cle}")
    except TerritoireInconnu as inconnu:
        try:
            return territoire(cle)
        except (TerritoireInconnu, TerritoireAmbigu):
            raise inconnu from None
