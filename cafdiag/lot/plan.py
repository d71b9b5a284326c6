"""Le plan d'un lot : quels territoires, tous vérifiés avant de rien lancer."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cafdiag.donnees import octets
from cafdiag.donnees.delimite import trouver_separateur
from cafdiag.donnees.tableurs import lire_feuilles
from cafdiag.erreurs import CafdiagError, DemandeFausse, EntreeFautive, TerritoireInconnu
from cafdiag.restitution.formats import pluriel
from cafdiag.restitution.produire import Commande, preparer
from cafdiag.territoires import MAILLES, Territoire, lister, membres, territoire
from cafdiag.territoires.gardes import gardes_en_rang
from cafdiag.territoires.recherche import decouper, decrire, designes

# Commentaires, et la ligne « sep=; » qu'un tableur écrit en tête.
_A_PASSER = re.compile(r"\s*(#|sep=.?\s*$)", re.IGNORECASE)
_ENTETE_AVANT = 20
_COLONNES_CODE = ("code", "territoire", "siren", "code_epci", "code_insee", "nom")
_COLONNES_NOM = ("nom", "libelle", "libellé", "commune", "epci", "nom_commune", "nom_epci")


@dataclass(frozen=True)
class Cible:
    """Une ligne de la demande : la clé, son origine, les noms (d'usage, et à côté du code), ce qu'il faut en dire."""

    cle: str
    origine: str = ""
    nom_usage: str = ""
    remarque: str = ""
    nom: str = ""


def cibles(
    *,
    departement: str = "",
    region: str = "",
    france: bool = False,
    territoires: str | Sequence[str] = (),
    fichier: str | Path = "",
    maille: str = "epci",
) -> list[Cible]:
    """Les lignes d'une demande.

    Parameters
    ----------
    departement, region : str
        Codes ou noms, séparés par des virgules ou des points-virgules : toutes leurs intercommunalités.
    france : bool
        Toutes les intercommunalités de France.
    territoires : str or sequence of str
        Codes ou noms ; en texte, séparés par des virgules ou des points-virgules.
    fichier : path
        Liste en CSV, xlsx ou ods : une colonne ``code`` (ou la première), et ``nom_usage`` si l'on veut.
    maille : str
        Maille de ``departement``, ``region`` et ``france`` ; l'EPCI par défaut.

    Raises
    ------
    DemandeFausse
        Rien, ou deux choses à la fois, n'est demandé ; département ou région inconnus (tous nommés).
    EntreeFautive
        Fichier absent, illisible ou vide.

    Examples
    --------
    >>> len(cibles(departement="53"))
    10
    >>> [c.cle for c in cibles(territoires="200048551,244900015")]
    ['200048551', '244900015']
    """
    demandes = [bool(departement), bool(region), france, bool(territoires), bool(fichier)]
    if sum(demandes) != 1:
        raise DemandeFausse(
            "aucun territoire n'est demandé" if not any(demandes) else "plusieurs demandes à la fois",
            attendu="une de : --departement, --region, --territoires, --fichier, --france",
        )
    if fichier:
        return _lire_liste(Path(fichier))
    if territoires:
        cles = decouper(territoires) if isinstance(territoires, str) else territoires
        return [Cible(cle.strip(), f"« {cle.strip()} »") for cle in cles if cle.strip()]
    if maille not in MAILLES:
        raise DemandeFausse(f"maille inconnue : « {maille} »", attendu=", ".join(MAILLES))
    if france:
        return _de_table([lister(maille)], maille)
    if departement:
        lieux = _de_maille("departement", departement)
        codes = [d.code for d in lieux]
    else:
        lieux = _de_maille("region", region)
        codes = [d for r in lieux for d in r.departements]
    if maille == "region" or (maille == "departement" and departement):
        if lieux[0].maille != maille:
            raise DemandeFausse("une région ne se trouve pas dans un département", conseil="demandez --region")
        return [Cible(lieu.cle) for lieu in lieux]
    return _de_table([lister(maille, departement=code) for code in codes], maille)


def _de_maille(maille: str, demandes: str) -> list[Territoire]:
    """« Mayenne » est aussi une commune et un EPCI : l'option, elle, dit la maille."""
    return _resoudre(
        [Cible(nom if ":" in nom else f"{maille}:{nom}", f"« {nom} »") for nom in decouper(demandes)]
    )


def _de_table(tables: Iterable, maille: str) -> list[Cible]:
    codes = dict.fromkeys(code for table in tables for code in table["code"])
    return [Cible(f"{maille}:{code}") for code in codes]


def _lire_liste(fichier: Path) -> list[Cible]:
    lignes = _lignes(fichier)
    if not lignes:
        raise EntreeFautive(fichier.name, ["aucune ligne"], attendu="un code de territoire par ligne")
    titres = next(
        (i for i, (_, li) in enumerate(lignes[:_ENTETE_AVANT]) if {c.lower() for c in li} & set(_COLONNES_CODE)), 0
    )
    remarque = (
        f"{fichier.name} : {pluriel(titres, 'ligne ignorée', 'lignes ignorées')} au-dessus de l'en-tête : "
        f"« {' '.join(lignes[0][1])[:60]} »."
        if titres
        else ""
    )
    lignes = lignes[titres:]
    entete = [c.lower() for c in lignes[0][1]]
    ou = next((entete.index(n) for n in _COLONNES_CODE if n in entete), None)
    nom = entete.index("nom_usage") if "nom_usage" in entete else None
    if ou is None and len(entete) > 1 and not any(c.isdigit() for c in entete[0]):
        raise EntreeFautive(
            fichier.name,
            [f"pas de colonne « code » : {', '.join(f'« {c} »' for c in lignes[0][1])}"],
            attendu="une colonne « code » (ou « nom »), et « nom_usage » si l'on veut",
        )
    dit = next((entete.index(n) for n in _COLONNES_NOM if n in entete and entete.index(n) != ou), None)
    if ou is None:
        ou, nom, dit = 0, None, None
        # Sans en-tête, une seconde colonne peut être un code postal : rien ne dit que c'est un autre territoire.
        if defauts := [
            f"ligne {rang} : plusieurs codes ({', '.join(codes)})"
            for rang, li in lignes
            if len(codes := [c for c in li if len(c) == len(li[0]) and re.fullmatch(r"\d{9}|\d[\dAB]\d{3}", c)]) > 1
        ]:
            raise EntreeFautive(
                fichier.name, defauts, attendu="un territoire par ligne", conseil="ou nommez la colonne « code »"
            )
    else:
        lignes = lignes[1:]
    if not lignes:
        raise EntreeFautive(fichier.name, ["aucune ligne"], attendu="un code de territoire par ligne")
    return [
        Cible(
            ligne[ou] if ou < len(ligne) else "",
            f"ligne {rang}",
            ligne[nom] if nom is not None and nom < len(ligne) else "",
            remarque,
            ligne[dit] if dit is not None and dit < len(ligne) else "",
        )
        for rang, ligne in lignes
    ]


def _lignes(fichier: Path) -> list[tuple[int, list[str]]]:
    """Les lignes de la liste et leur numéro : un classeur, ou un texte, comme partout ailleurs."""
    with octets.lisible(fichier):
        src = octets.source(fichier)
    if src.format != "csv":
        lignes = next((f.lignes for f in lire_feuilles(fichier) if f.lignes), [])
        return [(n, [_propre(c) for c in li]) for n, li in lignes if not _A_PASSER.match(";".join(li))]
    texte = octets.decoder(src.tout())[0]
    if "\0" in texte:
        raise EntreeFautive(fichier.name, ["ce n'est pas un tableau"], attendu="un CSV, un code par ligne")
    utiles = [li for li in texte.splitlines() if li.strip() and not _A_PASSER.match(li)]
    # Une colonne seule, sous son nom : les virgules sont celles des noms d'EPCI.
    seule = any(_propre(li).lower() in _COLONNES_CODE for li in utiles[:_ENTETE_AVANT])
    separateur = ";" if seule else trouver_separateur("\n".join(utiles))
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=separateur)
    return [
        (lecteur.line_num, [_propre(c) for c in ligne])
        for ligne in lecteur
        if any(c.strip() for c in ligne) and not _A_PASSER.match(separateur.join(ligne))
    ]


def _propre(case: str) -> str:
    """Une case sans ce que les tableurs ajoutent pour garder un zéro en tête, ni fin de ligne au milieu.

    >>> _propre(' ="01001" '), _propre("'01001"), _propre("Pays de\\nCraon")
    ('01001', '01001', 'Pays de Craon')
    """
    case = " ".join(case.split())
    if garde := re.fullmatch(r'="?([^"]*)"?', case):
        return garde[1]
    return case.removeprefix("'")


def _resoudre(lignes: Sequence[Cible]) -> list[Territoire]:
    """Les territoires de ces lignes ; toutes les fautes d'un coup."""
    trouves, fautes = [], []
    for ligne in lignes:
        try:
            lieu = territoire(ligne.cle)
            autres = designes(ligne.nom, lieu.maille) if ligne.nom else frozenset()
            if autres and lieu.code not in autres:
                raise TerritoireInconnu(
                    f"{ligne.cle} {ligne.nom}",
                    propositions=[decrire(lieu.maille, code) for code in (lieu.code, *sorted(autres)[:3])],
                    attendu="un code et un nom qui se répondent",
                )
            trouves.append(lieu)
        except CafdiagError as erreur:
            fautes.append(f"{ligne.origine or ligne.cle} — {erreur}")
    if fautes:
        raise DemandeFausse(
            f"{len(fautes)} territoire{'s' if len(fautes) > 1 else ''} sur {len(lignes)} "
            "à corriger, rien n'a été lancé :\n  " + "\n  ".join(fautes)
        )
    return trouves


@dataclass(frozen=True)
class Plan:
    """Les commandes d'un lot, et ce qu'il faut en dire avant de commencer."""

    commandes: tuple[Commande, ...]
    remarques: tuple[str, ...] = ()


def planifier(
    lignes: Sequence[Cible],
    *,
    formats: str | tuple,
    annee: int | None = None,
    parametres: dict[str, str] | None = None,
    identite: Path | None = None,
    modele: str | Path = "",
    delai: int = 300,
) -> Plan:
    """Vérifie toute la demande ; un même territoire demandé deux fois n'est fait qu'une.

    Raises
    ------
    DemandeFausse
        Territoires à corriger (tous), format, paramètre ou année faux ; plusieurs périmètres libres non gardés
        quand l'entrepôt contient des données confidentielles.
    EntreeFautive
        Fichier apporté fautif.
    """
    from cafdiag.restitution.demande import controler

    lieux = _resoudre(lignes)
    commandes: dict[str, Commande] = {}
    remarques = [*dict.fromkeys(ligne.remarque for ligne in lignes if ligne.remarque)]
    remarques += [texte for lieu in lieux for texte in lieu.avertissements]
    doubles: list[str] = []
    for ligne, lieu in zip(lignes, lieux, strict=True):
        if not commandes:
            exemple = preparer(
                lieu,
                formats=formats,
                annee=annee,
                parametres=parametres,
                identite=identite,
                modele=modele,
                delai=delai,
            )
        commande = exemple.pour(lieu, nom_usage=ligne.nom_usage)
        if commande.suffixe in commandes:
            doubles.append(commande.parametres["nom_usage"] or lieu.nom)
        commandes.setdefault(commande.suffixe, commande)
    if not commandes:
        raise DemandeFausse("aucun territoire n'est demandé")
    if doubles:
        demandes = pluriel(len(doubles), "territoire demandé", "territoires demandés")
        noms = ", ".join(dict.fromkeys(doubles))
        remarques.append(f"{demandes} plusieurs fois, fait une seule fois, sous le premier nom : {noms}.")
    _refuser_perimetres_qui_s_ignorent(lieux)
    premiere = next(iter(commandes.values()))
    # Fichiers apportés et choix de calcul : les mêmes pour tous, contrôlés une fois.
    remarques += controler(premiere.cible, premiere.parametres | {"annee": "", "questionnaire": ""})
    if premiere.parametres.get("questionnaire"):
        commandes, dites = _avec_la_parole(commandes)
        remarques += dites
    if annee is not None:
        _refuser_annee(list(commandes.values()), annee)
    return Plan(tuple(commandes.values()), tuple(remarques))


def _avec_la_parole(commandes: dict[str, Commande]) -> tuple[dict[str, Commande], list[str]]:
    """Les réponses des familles vont aux territoires qui en ont assez ; les autres s'en passent, et se disent."""
    from cafdiag.restitution.demande import controler

    sans: dict[str, DemandeFausse] = {}
    for suffixe, commande in commandes.items():
        voulus = {n: commande.parametres.get(n, "") for n in ("questionnaire", "seuil_caf")}
        try:
            controler(commande.cible, {n: v for n, v in voulus.items() if v})
        except DemandeFausse as trop_peu:
            sans[suffixe] = trop_peu
    if len(sans) == len(commandes):
        raise next(iter(sans.values()))
    if not sans:
        return commandes, []
    noms = ", ".join(commandes[suffixe].cible.nom for suffixe in sans)
    combien = pluriel(
        len(sans),
        "territoire sans assez de réponses au questionnaire, fait sans elles",
        "territoires sans assez de réponses au questionnaire, faits sans elles",
    )
    muettes = {
        suffixe: replace(commandes[suffixe], parametres=commandes[suffixe].parametres | {"questionnaire": ""})
        for suffixe in sans
    }
    return commandes | muettes, [f"{combien} : {noms}."]


def _refuser_perimetres_qui_s_ignorent(lieux: list[Territoire]) -> None:
    """Deux périmètres libres d'un même lot se trahiraient l'un l'autre : chacun est jugé sans connaître l'autre."""
    from cafdiag.donnees.tables_assemblees import confidentielles

    if not confidentielles():
        return
    connus = {frozenset(communes) for communes in gardes_en_rang()}
    connus |= {frozenset(communes) for _, communes in membres("epci").groupby("code")["commune"]}
    libres = {frozenset(lieu.communes): lieu.nom for lieu in lieux if lieu.maille == "perimetre"}
    libres = {communes: nom for communes, nom in libres.items() if communes not in connus}
    if len(libres) > 1:
        raise DemandeFausse(
            f"{len(libres)} périmètres libres dans un même lot ({', '.join(libres.values())}), alors que l'entrepôt "
            "contient des données confidentielles",
            attendu="des périmètres gardés sous un nom : leurs chiffres se jugent ensemble",
            conseil="gardez-les d'abord : cafdiag perimetre garder NOM CODES",
        )


def _refuser_annee(commandes: list[Commande], annee: int) -> None:
    """Une année sans aucun chiffre se dit avant ; une maille entière se mesure d'un coup, pas un par un."""
    from cafdiag.indicateurs import mesurer_maille
    from cafdiag.restitution.demande import controler
    from cafdiag.restitution.formats import chiffrees

    parlants: set[tuple[str, str]] = set()
    for maille in {c.cible.maille for c in commandes} & {"epci", "commune", "departement", "region"}:
        codes = [c.cible.code for c in commandes if c.cible.maille == maille]
        table = mesurer_maille(maille, codes=codes, annee=annee)
        dites = table[chiffrees(table) & table["annee"].eq(annee)]
        parlants |= {(maille, code) for code in dites["territoire"]}
    fautes = []
    for commande in commandes:
        if (commande.cible.maille, commande.cible.code) not in parlants:
            try:
                controler(commande.cible, commande.parametres)
            except DemandeFausse as erreur:
                fautes.append(erreur)
    if fautes:
        raise DemandeFausse(
            f"{len(fautes)} territoire(s) sur {len(commandes)} sans chiffre : "
            + " ; ".join(erreur.trouve for erreur in fautes),
            attendu=fautes[0].attendu,
            conseil=fautes[0].conseil,
        )
