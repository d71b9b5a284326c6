"""Le bordereau du chargé : ce qu'il faut apporter pour que le rapport en dise plus. Il ne se remet pas.

Les conseils du métier (à qui demander, quel fichier, quelle commande) vivent ici, jamais dans le rapport.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd
from openpyxl import Workbook

from cafdiag.donnees import catalogue
from cafdiag.indicateurs import THEMES, dictionnaire
from cafdiag.restitution.formats import chiffrees, enumeration
from cafdiag.restitution.lecture import accord
from cafdiag.restitution.rendu_xlsx import clore, feuille_en_tableau
from cafdiag.territoires import Territoire

_COLONNES = (
    ("Thème", 22),
    ("Ce qu'elle allumera", 48),
    ("À qui la demander", 22),
    ("La donnée", 40),
    ("Fichier officiel ou modèle", 44),
    ("Commande", 46),
)
RIEN_A_APPORTER = "Tous les indicateurs qui peuvent l'être ont leur chiffre : rien à apporter."
_TELECHARGER = re.compile(r"« cafdiag donnees telecharger ([^»]+?) »$")
_MODELE = re.compile(r"\b\w+\.xlsx\b")
# Un chiffre que rien n'apporterait : tu par le secret, ou trop incertain pour être montré.
_SANS_REMEDE = re.compile(r"secret|\barrondis?\b|incertain|intervalle")


@dataclass
class Apport:
    """Une donnée à apporter.

    Attributes
    ----------
    qui, quoi, voie : str
        Les trois parts de ``a_apporter`` dans le dictionnaire.
    indicateurs : list of str
        Les codes qu'elle allumera.
    """

    qui: str
    quoi: str
    voie: str
    indicateurs: list[str] = field(default_factory=list)

    @property
    def sources(self) -> list[catalogue.Source]:
        """Les sources du catalogue qui la donnent ; vide si elle se demande."""
        trouve = _TELECHARGER.search(self.voie)
        return catalogue.choisir(trouve.group(1).split()) if trouve else []

    @property
    def modeles(self) -> list[str]:
        """Les modèles de ``templates/registres`` à remplir."""
        return _MODELE.findall(self.voie)

    @property
    def prise_d_office(self) -> bool:
        """Vrai si « donnees telecharger », sans nom, la prend."""
        return any(source.par_defaut for source in self.sources)


def apports(mesures: pd.DataFrame) -> list[Apport]:
    """Ce qu'il faut apporter à un territoire, une ligne par donnée, dans l'ordre des thèmes.

    Parameters
    ----------
    mesures : DataFrame
        Mesures du rapport, avec leur ``role`` ; seules celles du territoire comptent.

    Examples
    --------
    >>> mesures = pd.DataFrame([{"role": "territoire", "indicateur": "PS_RSA", "valeur": None,
    ...                          "statut": "non_disponible", "motif": ""}])
    >>> [(a.qui, a.sources[0].nom, a.indicateurs) for a in apports(mesures)]
    [('Cnaf', 's_ben_com_f', ['PS_RSA'])]
    """
    siennes = mesures[mesures["role"].eq("territoire") & mesures["statut"].eq("non_disponible")]
    muettes = set(siennes.loc[~siennes["motif"].fillna("").str.contains(_SANS_REMEDE), "indicateur"])
    table = dictionnaire()
    par_donnee: dict[str, Apport] = {}
    for code, texte in table.loc[table.index.isin(muettes), "a_apporter"].items():
        qui, _, reste = texte.partition(" : ")
        quoi, _, voie = reste.rpartition(" ; ")
        par_donnee.setdefault(texte, Apport(qui, quoi, voie)).indicateurs.append(str(code))
    ordre = list(THEMES)
    return sorted(
        par_donnee.values(),
        key=lambda a: (ordre.index(table.at[a.indicateurs[0], "theme"]), not a.sources, a.qui),
    )


def bordereau(mesures: pd.DataFrame, cible: Territoire, *, titre: str = "") -> bytes:
    """Le classeur ``a-apporter-<code>.xlsx`` ; mêmes mesures, mêmes octets."""
    classeur = Workbook(write_only=True)
    cases = [[x.themes, x.allumera, x.qui, x.quoi, x.fichier, x.commande] for x in lignes(mesures, cible)]
    feuille = feuille_en_tableau(classeur, "À apporter", _COLONNES, cases or [["", RIEN_A_APPORTER, "", "", "", ""]])
    feuille.oddHeader.left.text = f"{titre or cible.nom} : ce qu'il reste à apporter".replace("&", "&&")
    feuille.oddHeader.right.text = "Document de travail, à ne pas remettre"
    # Le chargé y note ses relances.
    return clore(classeur, f"{titre or cible.nom} : à apporter")


@dataclass(frozen=True)
class LigneDuBordereau:
    """Une ligne du bordereau, en textes : du tableur comme de l'explorateur."""

    themes: str
    allumera: str
    qui: str
    quoi: str
    fichier: str
    commande: str
    prise_d_office: bool


def lignes(mesures: pd.DataFrame, cible: Territoire) -> list[LigneDuBordereau]:
    """Ce qu'il faut apporter à un territoire, une ligne par donnée (voir :func:`apports`)."""
    table = dictionnaire()
    return [
        LigneDuBordereau(
            themes=" ; ".join(dict.fromkeys(THEMES[table.at[code, "theme"]] for code in apport.indicateurs)),
            allumera=" ; ".join(table.at[code, "libelle_court"] for code in apport.indicateurs),
            qui=apport.qui,
            quoi=re.sub(r" ?\(« cafdiag [^»]+ »\)", "", apport.quoi),
            fichier=_fichier(apport),
            commande=_commande(apport, cible),
            prise_d_office=apport.prise_d_office,
        )
        for apport in apports(mesures)
    ]


def _fichier(apport: Apport) -> str:
    if apport.sources:
        pages = dict.fromkeys(s.page for s in apport.sources if s.page)
        # Une famille de fichiers (France, régions, EPCI…) tient en un libellé et ses premières pages.
        libelles = dict.fromkeys(s.libelle.split(",")[0] for s in apport.sources)
        return "\n".join([" ; ".join(libelles), *list(pages)[:2]])
    if apport.modeles:
        mot = "Modèle" if len(apport.modeles) == 1 else "Modèles"
        return f"{mot} {' et '.join(f'templates/registres/{m}' for m in apport.modeles)}"
    if "--qpv" in apport.voie:
        contours = catalogue.source("qpv_contours")
        return f"{contours.libelle}\n{contours.page}\nModèle templates/registres/centres_sociaux.xlsx"
    return apport.quoi


def _commande(apport: Apport, cible: Territoire) -> str:
    lignes = []
    if apport.sources:
        trouve = _TELECHARGER.search(apport.voie)
        noms = trouve.group(1).split() if trouve else []
        lignes.append("cafdiag donnees telecharger " + " ".join(f'"{n}"' if "*" in n else n for n in noms))
    elif apport.modeles or "donnees importer" in apport.voie:
        lignes.append("cafdiag donnees importer " + " ".join(apport.modeles or ["FICHIER"]))
    options = [f"--{o} FICHIER" for o in ("qpv", "registre") if f"« --{o} »" in apport.voie]
    if "--registre-complet" in apport.voie:
        if not apport.modeles:
            options.append("--registre FICHIER")
        options.append(f"--registre-complet {cible.departement or 'DÉPARTEMENT'}")
    if options:
        lignes.append(f'cafdiag diagnostic "{cible.cle}" {" ".join(options)}')
    return "\n".join(lignes)


def promesse(mesures: pd.DataFrame) -> str:
    """Ce qu'ajouterait « donnees telecharger », en une phrase ; vide si la commande n'ajouterait rien."""
    dit = gain(mesures)
    return f"avec le réseau, jusqu'à {dit} : cafdiag donnees telecharger" if dit else ""


def gain(mesures: pd.DataFrame) -> str:
    """« 1 thème de plus (« Parentalité »), 10 indicateurs de plus en tout » ; vide si rien n'est à prendre d'office.

    Les sources déjà dans l'entrepôt ont donné ce qu'elles pouvaient : elles ne promettent plus rien.
    """
    table = dictionnaire()
    gagnes = list(_a_portee(mesures))
    if not gagnes:
        return ""
    themes = table.loc[gagnes, "theme"]
    siennes = mesures[mesures["role"].eq("territoire")]
    parlent = set(table.loc[siennes.loc[chiffrees(siennes), "indicateur"], "theme"])
    neufs = [THEMES[t] for t in THEMES if t in set(themes) - parlent]
    dit = f"{accord(len(gagnes), 'indicateur')} de plus"
    if neufs:
        noms = enumeration([f"« {n} »" for n in neufs])
        dit = f"{accord(len(neufs), 'thème')} de plus ({noms}), {accord(len(gagnes), 'indicateur')} de plus en tout"
    return dit


def _a_portee(mesures: pd.DataFrame) -> Iterator[str]:
    from cafdiag.donnees.commandes import lister

    etat = lister()
    deja = set(etat.loc[etat["importee_le"].ne(""), "nom"])
    for apport in apports(mesures):
        if apport.prise_d_office and not {s.nom for s in apport.sources} & deja:
            yield from apport.indicateurs
