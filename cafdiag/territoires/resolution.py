"""D'une clé écrite par une personne à un Territoire : codes, préfixes, noms, anciens codes, périmètres libres."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import pandas as pd

from cafdiag.erreurs import CafdiagError, DemandeFausse, TerritoireAmbigu, TerritoireInconnu
from cafdiag.geographie import ANNEES, geographie
from cafdiag.millesimes import millesime
from cafdiag.territoires.gardes import communes_gardees
from cafdiag.territoires.normalisation import normaliser, normaliser_tous
from cafdiag.territoires.passage import (
    epci_ailleurs,
    message,
    message_du_nom,
    message_du_perimetre,
    message_epci,
    passages,
)
from cafdiag.territoires.recherche import (
    Trouves,
    codes_proches,
    communes_du_code_postal,
    decouper,
    decrire,
    decrire_tous,
    decrire_trouves,
    designes,
    index_anciens,
    lire,
    nom_et_code,
    noms_proches,
    par_niveau,
)
from cafdiag.territoires.referentiel import (
    LIBELLES_MAILLES,
    MAILLES,
    POPULATION,
    Territoire,
    appartenance,
    construire,
    fiches,
    table,
)

_PREFIXE = re.compile(r"^([^\W\d_]+)\s*:\s*(.*)$", re.DOTALL)
# Hors des départements, et donc des listes : leurs communes se demandent, mais presque rien n'y est publié.
_COLLECTIVITES = {
    "975": "Saint-Pierre-et-Miquelon",
    "977": "Saint-Barthélemy",
    "978": "Saint-Martin",
    "986": "Wallis-et-Futuna",
    "987": "Polynésie française",
    "988": "Nouvelle-Calédonie",
}
# Les établissements publics territoriaux du Grand Paris (décrets 2015-1655 à 2015-1665) : ni EPCI, ni publiés.
_EPT = (
    "Vallée Sud Grand Paris", "Grand Paris Seine Ouest", "Paris Ouest La Défense", "Boucle Nord de Seine",
    "Plaine Commune", "Paris Terres d'Envol", "Est Ensemble", "Grand Paris Grand Est", "Paris Est Marne et Bois",
    "Grand Orly Seine Bièvre", "Grand Paris Sud Est Avenir",
)  # fmt: skip
_SEMBLE_UN_CODE = re.compile(r"^(?:[0-9]+|2[AB][0-9]*)$")
_SEMBLE_UNE_REGION = re.compile(r"^(?:R(?:EG)?-?([0-9]{1,2})|([0-9]{2})R)$")
_SEMBLE_UN_QPV = re.compile(r"^Q[NP][0-9AB]{3}\d{1,4}[A-Z]?$")
_ENTRE_CODES = re.compile(r"(?<=\d)\s+(?=\d)")
_DECIMALE_DE_TABLEUR = re.compile(r"^([0-9]+)\.0+$")
_ALIAS = {maille: maille for maille in MAILLES}
_ALIAS |= {"com": "commune", "dep": "departement", "dept": "departement", "reg": "region"}
_LONGUEURS = {"commune": (5,), "epci": (9,), "departement": (2, 3), "region": (2,)}


def territoire(cle: Territoire | str) -> Territoire:
    """Le territoire désigné par un code ou un nom.

    Parameters
    ----------
    cle : str or Territoire
        Code commune (5 caractères), SIREN d'EPCI (9 chiffres), code département (2 ou 3 caractères), code
        ou identifiant de QPV, « FR » ; ou un nom, sans égard aux accents, à la casse, aux tirets, aux
        articles ni à la nature de l'EPCI. Une maille peut être imposée devant : ``commune:Mayenne``,
        ``region:52`` (deux chiffres seuls sont un département). Plusieurs codes réunis par « + » font un
        périmètre libre. Un Territoire est rendu tel quel.

    Returns
    -------
    Territoire
        Ses ``avertissements`` disent si un ancien code a été passé au COG 2025.

    Raises
    ------
    TerritoireInconnu
        Rien ne correspond ; ``propositions`` donne les plus proches.
    TerritoireAmbigu
        Plusieurs territoires portent ce nom, toutes mailles confondues ; rien n'est deviné.
    DemandeFausse
        Clé vide, nombre au lieu d'un texte, préfixe de maille inconnu.

    Notes
    -----
    Référentiel : COG et EPCI au 1er janvier 2025 (Insee, DGCL).

    Examples
    --------
    >>> territoire("200048551") == territoire("cc du pays de craon") == territoire("Pays de Craon")
    True
    >>> territoire("49069").avertissements
    ("49069 (Orée d'Anjou) n'existe plus : les données sont celles de 49126 Orée d'Anjou (COG 2026)",)
    >>> territoire("region:52").nom, territoire("52").nom
    ('Pays de la Loire', 'Haute-Marne')
    """
    if isinstance(cle, Territoire):
        return cle
    entier = texte = exiger_texte(cle).strip()
    prefixe = _PREFIXE.match(texte)
    maille = None
    if prefixe:
        maille, texte = _ALIAS.get(normaliser(prefixe[1])), prefixe[2].strip()
        if maille is None:
            raise DemandeFausse(
                f"« {cle} » commence par une maille inconnue : « {prefixe[1]} »",
                attendu=", ".join(MAILLES),
                conseil="écrivez par exemple commune:53130",
            )
    if not texte:
        raise DemandeFausse(
            "le territoire demandé est vide",
            attendu="un code ou un nom",
            conseil="donnez par exemple 200048551 ou « Pays de Craon »",
        )
    if "+" in texte or maille == "perimetre":
        return perimetre_en_texte(texte if maille == "perimetre" else entier)
    try:
        return avertir_scission(
            _par_code(texte, maille) or _par_nom_et_code(texte, maille) or _par_nom(texte, maille)
        )
    except TerritoireAmbigu as faute:
        faute.demande = entier
        raise


def exiger_texte(cle: object) -> str:
    """Refuse ce qui n'est pas un texte, en disant ce qu'il aurait fallu écrire."""
    if isinstance(cle, str):
        return cle
    if cle is None:
        raise DemandeFausse(
            "aucun territoire n'est donné",
            attendu="un code ou un nom",
            conseil="donnez par exemple '200048551' ou 'Pays de Craon'",
        )
    if isinstance(cle, bool) or not hasattr(cle, "__int__"):
        raise DemandeFausse(
            f"le territoire demandé est un objet « {type(cle).__name__} »",
            attendu="un code ou un nom, en texte",
        )
    nombre = f"{cle:.0f}" if isinstance(cle, float) else str(cle)
    raise DemandeFausse(
        f"le code {nombre} est un nombre : son zéro de tête a pu se perdre",
        attendu="un texte",
        conseil=f"écrivez '{_rendre_le_zero(nombre)}' entre guillemets",
    )


def _rendre_le_zero(chiffres: str) -> str:
    return chiffres.zfill({1: 2, 4: 5}.get(len(chiffres), len(chiffres)))


def _par_code(texte: str, maille: str | None) -> Territoire | None:
    """Le territoire de ce code ; None si le texte n'a pas l'allure d'un code."""
    code = re.sub(r"\s+", "", texte).upper()
    if maille in (None, "france") and code in ("FR", "FRANCE", "FRANCEENTIERE", "FRANCEENTIÈRE"):
        return construire("france", "FR")
    if maille in (None, "qpv") and (trouve := _qpv(code)):
        return trouve
    region = _SEMBLE_UNE_REGION.match(code)
    if maille in (None, "region") and region:
        numero = (region[1] or region[2]).zfill(2)
        raise TerritoireInconnu(
            texte,
            attendu="une région par son nom ou par « region:52 »",
            propositions=[decrire("region", numero)]
            if numero in fiches()["region"]
            else codes_proches(numero, "region"),
        )
    if code.startswith("P-"):
        raise TerritoireInconnu(
            texte,
            attendu="un périmètre libre, redonné par ses communes",
            conseil="écrivez ses codes réunis par « + », par exemple 53012+53084",
        )
    if code in ("69D", "69M"):
        # L'Insee partage ainsi le Rhône dans ses fichiers.
        raise TerritoireInconnu(
            texte,
            attendu="le Rhône, sa métropole comprise, ou elle seule",
            propositions=[decrire("departement", "69"), decrire("epci", "200046977")],
        )
    if decimale := _DECIMALE_DE_TABLEUR.match(code):
        raise TerritoireInconnu(
            texte,
            attendu="un code en texte, sans virgule ni point",
            conseil=f"écrivez « {_rendre_le_zero(decimale[1])} »",
        )
    if maille in ("qpv", "france") or not _SEMBLE_UN_CODE.match(code):
        return None
    for candidate in ("commune", "epci", "departement", "region"):
        if maille == candidate or (maille is None and candidate != "region"):
            # Un SIREN n'est pas une commune : inutile de les décrire toutes pour s'en assurer.
            if candidate == "commune" and len(code) > 6:
                continue
            if code in fiches()[candidate]:
                return construire(candidate, code)
            if candidate == "commune" and code in passages():
                return _ancien_code(code)
            if candidate == "epci" and code in epci_ailleurs():
                return _epci_d_ailleurs(code)
    raise _code_inconnu(texte, code, maille)


@lru_cache(maxsize=1)
def _qpv_par_code() -> dict[str, str]:
    return {identifiant.upper(): identifiant for identifiant in fiches()["qpv"]}


_ANCIEN_CODE_QPV = f"code_qpv_{millesime('qpv.ancienne')}_meme_nom"


def _qpv(code: str) -> Territoire | None:
    if code in _qpv_par_code():
        return construire("qpv", _qpv_par_code()[code])
    if not _SEMBLE_UN_QPV.match(code):
        return None
    memes = table("qpv")
    if _ANCIEN_CODE_QPV in memes:
        memes = memes.loc[memes[_ANCIEN_CODE_QPV] == code, "code"].tolist()
        if memes:
            raise TerritoireInconnu(
                code,
                attendu=f"un code de la géographie prioritaire {millesime('qpv.liste')} (QN…)",
                propositions=decrire_tous(("qpv", autre) for autre in memes),
            )
    # QN04901M : le département 49, écrit sur trois caractères.
    departement = code[2:5].removeprefix("0")
    connus = [autre for autre, nom in _qpv_par_code().items() if fiches()["qpv"][nom].departement == departement]
    proches = difflib.get_close_matches(code, connus, n=5, cutoff=0)
    raise TerritoireInconnu(
        code,
        attendu=f"un quartier prioritaire {millesime('qpv.liste')} : QN, le département sur trois caractères, deux "
        "chiffres, une lettre",
        propositions=[decrire("qpv", _qpv_par_code()[proche]) for proche in proches],
        conseil="" if proches else "aucun quartier prioritaire dans ce département",
    )


def _par_nom_et_code(texte: str, maille: str | None) -> Territoire | None:
    """Le territoire dont le nom et le code sont écrits ensemble ; None si ce n'en est pas un, ou un code postal."""
    # Un Cedex n'est dans aucune liste de codes postaux.
    if (lu := nom_et_code(texte)) is None or "cedex" in texte.lower():
        return None
    nom, mot, code = lu
    sorte = _ALIAS.get(normaliser(mot)) if mot else maille
    if (mot and sorte is None) or maille not in (None, sorte) or (sorte is None and len(code) not in (5, 8, 9)):
        return None
    try:
        lieu = _par_code(code, sorte)
    except TerritoireInconnu:
        return None
    if lieu is None or lieu.code in designes(nom, lieu.maille):
        return lieu
    if lieu.maille == "commune" and communes_du_code_postal(code):
        return None
    raise DemandeFausse(
        f"« {texte} » : le code est celui de {lieu.libelle}, pas le nom",
        attendu="un nom et un code qui s'accordent",
        conseil="donnez l'un ou l'autre seul",
    )


def _par_nom(nom: str, maille: str | None) -> Territoire:
    """Le territoire qui porte ce nom, ou le portait ; erreur avec propositions s'il y en a plusieurs ou aucun."""
    lecture = lire(nom, maille)
    trouves = lecture.trouves
    if len(trouves.lieux) > 1:
        propositions, choix = decrire_trouves(trouves)
        raise TerritoireAmbigu(nom, propositions=propositions, choix=choix)
    if not trouves:
        _refuser_une_collectivite(nom)
        _refuser_un_ept(nom)
        proches = decrire_tous(lecture.proches) or noms_proches(nom, maille)
        raise TerritoireInconnu(
            nom,
            propositions=proches,
            conseil=_reunir_les_codes(nom),
            attendu=f"un nom ou un code de la géographie {geographie()}"
            if maille is None
            else f"un nom ou un code de la maille {LIBELLES_MAILLES[maille]} en {geographie()}",
        )
    lieu, textes = construire(*trouves.lieux[0]), []
    if lecture.dit and normaliser(lecture.dit) != normaliser(nom):
        textes.append(f"« {nom} » est lu {lieu.libelle}")
    if trouves.cedes:
        autres = " ; ".join(decrire_tous(("commune", code) for a in trouves.cedes for code in a.codes))
        textes.append(f"« {nom} » fut aussi le nom de : {autres}")
    if not trouves.reperes:
        textes.append(message_du_nom(trouves.anciens[0]))
        if plus_loin := [r for niveau in par_niveau(nom, maille) for r in niveau.reperes]:
            textes.append(f"ne pas confondre « {nom} » avec " + " ; ".join(decrire_tous(plus_loin)))
    return replace(lieu, avertissements=tuple(textes))


def _ancien_code(code: str) -> Territoire:
    passage = passages()[code]
    if passage.se_partage:
        nom = f"{code} ({passage.nom_ancien})" if passage.nom_ancien else code
        raise _partage(nom, "commune", passage.codes, "toutes ensemble")
    return replace(construire("commune", passage.codes[0]), avertissements=(message(passage),))


def _epci_d_ailleurs(code: str) -> Territoire:
    ancien = epci_ailleurs()[code]
    if len(ancien.codes) > 1:
        raise _partage(f"{code} ({ancien.nom})", "epci", ancien.codes, "tous ensemble")
    return replace(construire("epci", ancien.codes[0]), avertissements=(message_epci(ancien),))


def _partage(nom: str, maille: str, codes: tuple[str, ...], ensemble: str) -> TerritoireAmbigu:
    """L'erreur d'un code partagé entre plusieurs d'aujourd'hui : l'un d'eux, ou tous."""
    propositions, choix = decrire_trouves(Trouves(tuple((maille, code) for code in codes)))
    tous = "+".join(codes)
    if len(choix) == len(propositions):
        # Au-delà, une ligne sans clé dit le reste : « tous ensemble » n'aurait plus son rang.
        choix = [*choix, tous]
    return TerritoireAmbigu(nom, propositions=[*propositions, f"ou {ensemble} ({tous})"], choix=choix)


def avertir_scission(lieu: Territoire) -> Territoire:
    """Ajoute à une commune scindée depuis peu, ou à un EPCI au périmètre changé, l'avertissement qui le dit."""
    if lieu.maille == "epci":
        dit = message_du_perimetre(lieu.code)
        return replace(lieu, avertissements=(*lieu.avertissements, dit)) if dit else lieu
    passage = passages().get(lieu.code) if lieu.maille == "commune" else None
    if passage is None or message(passage) in lieu.avertissements:
        return lieu
    return replace(lieu, avertissements=(*lieu.avertissements, message(passage)))


def _reunir_les_codes(texte: str) -> str:
    """Le conseil à qui écrit plusieurs codes à la suite : « 53012, 53084 » ; vide sinon."""
    codes = [c for c in re.split(r"[\s,;/&]+", texte.strip()) if c]
    plusieurs = len(codes) > 1 and all(len(c) in (5, 9) and _SEMBLE_UN_CODE.match(c.upper()) for c in codes)
    return f"pour un groupe de communes, réunissez les codes par « + » : {'+'.join(codes)}" if plusieurs else ""


def _refuser_une_collectivite(texte: str) -> None:
    """Dit d'une collectivité d'outre-mer, code ou nom, que seules ses communes se demandent."""
    mots = set(normaliser(texte).split()) - {"et", "la", "iles"}
    for code, nom in _COLLECTIVITES.items():
        if texte.strip() == code or (mots and mots <= set(normaliser(nom).split())):
            siennes = [c for c in fiches()["commune"] if c.startswith(code)]
            dites = " ; ".join(decrire_tous(("commune", c) for c in siennes[:5]))
            raise TerritoireInconnu(
                texte,
                attendu="un département, une région, un EPCI ou une commune",
                conseil=f"{nom} ({code}) est une collectivité d'outre-mer : demandez l'une de ses communes ({dites}"
                + (f" ; et {len(siennes) - 5} autres" if len(siennes) > 5 else "")
                + ") ; presque rien n'y est publié",
            )


def _refuser_un_ept(texte: str) -> None:
    """Dit d'un établissement public territorial du Grand Paris qu'il se compose commune par commune."""
    mots = set(normaliser(texte).split()) - {"ept", "et"}
    for nom in _EPT:
        if mots == set(normaliser(nom).split()) - {"et"}:
            raise TerritoireInconnu(
                texte,
                attendu="un EPCI à fiscalité propre, une commune ou un département",
                conseil=f"{nom} est un établissement public territorial de la Métropole du Grand Paris (200054781) : "
                "rien n'y est publié ; réunissez les codes de ses communes par « + » (93001+93027)",
            )


def _code_inconnu(texte: str, code: str, maille: str | None) -> TerritoireInconnu:
    """L'erreur d'un code qui n'existe pas : zéro perdu, code postal, faute de frappe."""
    _refuser_une_collectivite(code)
    if reunis := _reunir_les_codes(texte):
        return TerritoireInconnu(texte, attendu="un seul territoire, ou un périmètre", conseil=reunis)
    mailles = (maille,) if maille else ("commune", "epci", "departement")
    corriges, attendu = _corriger(code)
    trouves = [decrire(sorte, autre) for autre in corriges for sorte in mailles if autre in fiches()[sorte]]
    if trouves:
        return TerritoireInconnu(texte, propositions=trouves, attendu=attendu)
    bonnes = [sorte for sorte in mailles if len(code) in _LONGUEURS[sorte]]
    attendu = ", ".join(
        f"{LIBELLES_MAILLES[sorte]} ({' ou '.join(map(str, _LONGUEURS[sorte]))} caractères)"
        for sorte in bonnes or mailles
    )
    attendu += f", géographie {geographie()}"
    if "commune" in mailles and len(code) == 5 and (postales := communes_du_code_postal(code)):
        propositions = decrire_tous(("commune", autre) for autre in postales)
        return TerritoireInconnu(
            texte,
            propositions=propositions,
            attendu=attendu,
            conseil=f"{code} est un code postal ; essayez " + " ; ".join(propositions),
        )
    ailleurs = [(sorte, code) for sorte in _LONGUEURS if sorte not in mailles and code in fiches()[sorte]]
    if ailleurs and maille == "epci" and (siren := fiches()[ailleurs[0][0]][code].epci):
        ailleurs.insert(0, ("epci", siren))
    propositions = [decrire(*repere) for repere in ailleurs]
    if not propositions:
        # Une longueur qui n'est celle d'aucune maille : un caractère a été oublié, ou mis de trop.
        propositions = [proche for sorte in bonnes or mailles for proche in codes_proches(code, sorte)]
    conseil = ""
    if len(code) == 9:
        conseil = (
            f"donnez le nom de l'EPCI, tel qu'il était au 1er janvier {geographie()} ; SIREN proches : "
            + " ; ".join(propositions)
        )
    return TerritoireInconnu(texte, propositions=propositions, attendu=attendu, conseil=conseil)


def _corriger(code: str) -> tuple[list[str], str]:
    """Codes que l'on a sans doute voulu écrire, et ce qui manquait."""
    if len(code) in (1, 4):
        return [_rendre_le_zero(code)], "un code complet, avec son zéro de tête"
    if len(code) == 3 and code.startswith("0"):
        return [code[1:]], "un code de département à deux caractères"
    if len(code) == 6 and code.startswith("97"):
        # 971102 : département 971 suivi du code à trois chiffres de la commune.
        return [code[:3] + code[4:]], "un code commune de 5 caractères"
    if code == "20" or (len(code) == 5 and code.startswith("20") and not communes_du_code_postal(code)):
        return ["2A" + code[2:], "2B" + code[2:]], "un code corse, en 2A ou 2B"
    return [], ""


def perimetre(nom: str, codes: Iterable[str] | str | None = None) -> Territoire:
    """Un périmètre libre : la réunion de communes, sans doublon ; ou un périmètre gardé, par son nom.

    Parameters
    ----------
    nom : str
        Nom à afficher (« Pôle sud »).
    codes : iterable of str, optional
        Sans eux, le périmètre gardé sous ce nom (:func:`garder_perimetre`).
        Codes de communes, d'EPCI, de départements ou de régions (pris pour leurs communes), ou Territoires de
        ces mailles. Une chaîne est découpée aux « + », virgules, points-virgules et espaces.

    Returns
    -------
    Territoire
        Maille ``perimetre`` ; son code dépend de ses seules communes, ni de leur ordre ni du nom.

    Raises
    ------
    TerritoireInconnu
        Codes inconnus, tous donnés d'un coup.
    DemandeFausse
        Nom ou liste vide, nombre au lieu d'un texte, quartier ou France entière.

    Examples
    --------
    >>> sud = perimetre("Pôle sud", ["53084", "53012", "53084"])
    >>> sud
    <Territoire : Pôle sud (périmètre P-4ac7a485), 2 communes>
    >>> sud.avertissements
    ('53084 Craon était donnée plusieurs fois : comptée une seule',)
    """
    nom = exiger_texte(nom).strip()
    if not nom:
        raise DemandeFausse("le périmètre n'a pas de nom", conseil="donnez-lui un nom : « Pôle sud »")
    if codes is None:
        nom, codes = communes_gardees(nom)
    lieux = _lire(codes)
    communes, avertissements = _reunir(lieux)
    empreinte = hashlib.sha256("+".join(communes).encode("utf-8")).hexdigest()[:8]
    return Territoire(f"P-{empreinte}", nom, "perimetre", communes, avertissements)


def perimetre_en_texte(texte: str) -> Territoire:
    """Le périmètre écrit en une chaîne : ses codes (« 53012+53084 »), ou le nom sous lequel il est gardé."""
    codes = _decouper(texte)
    if len(codes) == 1 and not any(signe.isdigit() for signe in codes[0][:2]):
        return perimetre(codes[0])
    if len(codes) == 1 and "+" in texte:
        raise DemandeFausse(
            f"« {texte} » ne réunit qu'un seul territoire",
            attendu="au moins deux codes réunis par « + », par exemple 53012+53084",
            conseil=f"pour ce territoire seul, écrivez {codes[0]}",
        )
    noms = list(dict.fromkeys(lieu.nom for lieu in _lire(codes)))
    nom = " + ".join(noms) if len(noms) <= 3 else f"{noms[0]}, {noms[1]} et {len(noms) - 2} autres"
    return perimetre(nom, codes)


def _decouper(texte: str) -> list[str]:
    if "+" not in texte:
        return [code for morceau in decouper(texte) for code in _ENTRE_CODES.split(morceau)]
    return [morceau.strip() for morceau in texte.split("+") if morceau.strip()]


# De quoi un périmètre se compose ; au-delà de trois, les communes données deux fois se comptent.
_COMPOSABLES = ("commune", "epci", "departement", "region", "perimetre")
_DOUBLES_NOMMES = 3


def _lire(codes: Iterable[str] | Territoire | str) -> list[Territoire]:
    """Les membres, ou une seule erreur qui donne tous les défauts."""
    membres: list[str | Territoire]
    if isinstance(codes, Territoire):
        membres = [codes]
    elif isinstance(codes, str):
        membres = [*_decouper(codes)]
    else:
        if not isinstance(codes, Iterable):
            exiger_texte(codes)
        membres = list(codes)
    if not membres:
        raise DemandeFausse("le périmètre est vide", attendu="au moins un code de commune ou d'EPCI")
    lieux, erreurs = [], {}
    for membre in membres:
        try:
            lieu = territoire(membre)
            if lieu.maille not in _COMPOSABLES:
                raise DemandeFausse(
                    f"« {membre} » est {lieu.libelle}",
                    attendu="une commune, un EPCI, un département ou une région",
                    conseil="donnez les codes des communes ou des EPCI qui le composent",
                )
            lieux.append(lieu)
        except CafdiagError as erreur:
            erreurs[str(membre)] = erreur
    if len(erreurs) == 1:
        raise next(iter(erreurs.values()))
    if erreurs:
        conseil = " ; ".join(
            f"{membre} : "
            + (", ".join(getattr(erreur, "propositions", [])[:2]) or erreur.conseil or erreur.trouve)
            for membre, erreur in erreurs.items()
        )
        if all(isinstance(erreur, TerritoireInconnu) for erreur in erreurs.values()):
            propositions = [p for erreur in erreurs.values() for p in getattr(erreur, "propositions", [])[:2]]
            raise TerritoireInconnu(
                ", ".join(erreurs),
                propositions=propositions,
                attendu=f"des codes de communes, d'EPCI ou de départements de {geographie()}",
                conseil=conseil,
            )
        raise DemandeFausse(
            f"{len(erreurs)} codes refusés dans le périmètre : {', '.join(erreurs)}",
            attendu="des codes de communes, d'EPCI ou de départements, en texte",
            conseil=conseil,
        )
    return lieux


def _reunir(lieux: list[Territoire]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Communes sans doublon, et ce qu'il faut dire au lecteur."""
    avertissements: dict[str, None] = {}
    communes: dict[str, None] = {}
    vus: set[str] = set()
    for lieu in lieux:
        avertissements.update(dict.fromkeys(lieu.avertissements))
        if lieu.maille == "epci" and lieu.code in vus:
            # Deux anciens SIREN du même EPCI : ses communes ne se disent pas une à une.
            avertissements[f"{lieu.code} {lieu.nom} était donné plusieurs fois : compté une seule"] = None
            continue
        vus.add(lieu.code)
        doubles = [code for code in lieu.communes if code in communes]
        if len(doubles) > _DOUBLES_NOMMES:
            avertissements[
                f"{len(doubles)} communes de {lieu.nom} étaient données plusieurs fois : comptées une seule"
            ] = None
        else:
            for code in doubles:
                nom = fiches()["commune"][code].nom
                avertissements[f"{code} {nom} était donnée plusieurs fois : comptée une seule"] = None
        communes.update(dict.fromkeys(lieu.communes))
    # La ville et l'un de ses arrondissements : les mêmes habitants seraient comptés deux fois.
    for code in list(communes):
        mere = fiches()["commune"][code].commune_mere
        if mere in communes:
            del communes[code]
            avertissements[
                f"{code} {fiches()['commune'][code].nom} est déjà compris dans {mere} "
                f"{fiches()['commune'][mere].nom} : compté une seule fois"
            ] = None
    return tuple(sorted(communes)), tuple(avertissements)


# --- Les listes : tous les territoires d'une maille, et l'appartenance de chaque commune ---


_COLONNES = ["code", "nom", "maille", "departement", "population"]
_LISTABLES = ("commune", "epci", "departement", "region", "france", "qpv")


def lister(
    maille: str | None = None,
    *,
    departement: str | None = None,
    recherche: str | None = None,
    arrondissements: bool = False,
) -> pd.DataFrame:
    """Les territoires d'une maille (de toutes, par défaut), filtrés par département ou par nom.

    Parameters
    ----------
    maille : str, optional
        ``commune``, ``epci``, ``departement``, ``region``, ``france`` ou ``qpv``.
    departement : str, optional
        Code ou nom de département. Un EPCI à cheval est rendu pour chacun de ses départements.
    recherche : str, optional
        Mots du nom, actuel ou ancien, début de code, ancien code, code postal, ou ce que comprend
        :func:`territoire`.
    arrondissements : bool
        Ajoute les arrondissements de Paris, Lyon et Marseille (écartés pour ne pas compter deux fois).

    Returns
    -------
    pandas.DataFrame
        ``code``, ``nom``, ``maille``, ``departement`` (principal ; manquant pour une région et la France),
        ``population`` (municipale, dernier millésime). Avec une recherche, ``ancien_nom`` : celui qui a mené
        à la commune, manquant si elle le porte encore. Vide si rien ne convient.

    Raises
    ------
    DemandeFausse
        Maille inconnue.
    TerritoireInconnu
        Département inconnu.

    Examples
    --------
    >>> lister("epci", departement="53").nom.str.contains("Craon").sum().item()
    1
    >>> lister(recherche="pays de craon").code.tolist()
    ['200048551']
    """
    _verifier_maille(maille, _LISTABLES)
    mailles = _LISTABLES if maille is None else (maille,)
    dep = None if departement is None else _code_departement(departement)
    resultat = pd.concat([_lister_une(nom, dep, arrondissements) for nom in mailles], ignore_index=True)
    if recherche is None or not exiger_texte(recherche).strip():
        return resultat
    noms = [nom for une in mailles for nom in _noms_simples(une, dep, arrondissements)]
    trouvee = _chercher(resultat, noms, recherche.strip())
    if trouvee.empty:
        # « Marseille 8EME », « LAVAL CEDEX 9 », « Saint-Denis (Réunion) » : où mène territoire(…).
        toutes = pd.concat([_lister_une(nom, dep, True, True) for nom in mailles], ignore_index=True)
        lieux = lire(recherche).trouves.lieux or tuple((nom, recherche.strip()) for nom in mailles)
        dedans = [repere in lieux for repere in zip(toutes["maille"], toutes["code"], strict=True)]
        trouvee = toutes[dedans]
    if "ancien_nom" not in trouvee:
        trouvee = trouvee.assign(ancien_nom=pd.Series(index=trouvee.index, dtype="str"))
    return trouvee.astype({"ancien_nom": "str"}).reset_index(drop=True)


def _verifier_maille(maille: str | None, admises: Iterable[str]) -> None:
    if maille is not None and maille not in admises:
        raise DemandeFausse(f"maille inconnue : « {maille} »", attendu=", ".join(admises))


def _code_departement(departement: Territoire | str) -> str:
    if isinstance(departement, Territoire):
        lieu = departement
    else:
        texte = exiger_texte(departement).strip()
        lieu = territoire(texte if ":" in texte else f"departement:{texte}")
    if lieu.maille != "departement":
        raise DemandeFausse(f"« {lieu.libelle} » n'est pas un département", attendu="un département")
    return lieu.code


@lru_cache(maxsize=16)
def _lister_une(maille: str, dep: str | None, arrondissements: bool, ailleurs: bool = False) -> pd.DataFrame:
    if maille == "france":
        france = construire("france", "FR")
        lue = pd.DataFrame({"code": ["FR"], "nom": [france.nom], "population": [france.population]})
    else:
        lue = (
            table(
                {"commune": "communes", "departement": "departements", "region": "regions"}.get(
                    maille, maille
                )
            )
            .rename(columns={POPULATION: "population"})
            .copy()
        )
    if maille == "commune":
        types = ["COM", *(["ARM"] if arrondissements else []), *(["COLL"] if ailleurs else [])]
        lue = lue[lue["type"].isin(types)]
    if maille == "departement":
        lue["departement"] = lue["code"]
    if maille in ("region", "france"):
        lue["departement"] = pd.NA
    if dep is not None:
        gardes = (
            lue["departements"].str.split().apply(lambda codes: dep in codes)
            if maille == "epci"
            else lue["departement"].eq(dep).fillna(False)
        )
        lue = lue[gardes.astype(bool)]
    lue = lue.assign(maille=maille, population=pd.to_numeric(lue["population"]).round().astype("Int64"))
    textes = {"code": "str", "nom": "str", "maille": "str", "departement": "str"}
    return lue[_COLONNES].astype(textes).sort_values("code", ignore_index=True)


@lru_cache(maxsize=16)
def _noms_simples(maille: str, dep: str | None, arrondissements: bool) -> list[str]:
    return normaliser_tous(_lister_une(maille, dep, arrondissements)["nom"])


def _chercher(liste: pd.DataFrame, noms: list[str], recherche: str) -> pd.DataFrame:
    """Les lignes que cette recherche désigne (leurs noms sans accent ni casse), avec l'ancien nom qui y a mené."""
    actuels = _correspond(liste, pd.Series(noms, index=liste.index, dtype="str"), recherche)
    anciens = liste["code"].map(_par_ancien_nom(recherche)).where(liste["maille"].isin(["commune", "epci"]) & ~actuels)
    trouvee = liste.assign(ancien_nom=anciens.astype("str"))[actuels | anciens.notna()]
    # Le nom ou le code même d'abord, puis ceux qui le contiennent en entier : « Lyon » avant « Cognat-Lyonne ».
    voulu = normaliser(recherche)
    dits = pd.Series(noms, index=liste.index, dtype="str")[trouvee.index]
    loin = ~(" " + dits + " ").str.contains(f" {voulu} ", regex=False)
    loin = loin.astype(int).where(dits.ne(voulu) & trouvee["code"].ne(recherche.upper()), -1)
    return trouvee.loc[loin.sort_values(kind="stable").index]


def _par_ancien_nom(recherche: str) -> dict[str, str]:
    """Commune ou EPCI d'aujourd'hui → ancien nom qui contient tous ces mots, ou que portait cet ancien code."""
    mots = normaliser(recherche).split()
    trouves: dict[str, str] = {}
    for forme, anciens in index_anciens().items() if mots else ():
        if all(mot in forme for mot in mots):
            for ancien in anciens:
                trouves |= dict.fromkeys(ancien.codes, ancien.nom)
    if (passage := passages().get(recherche.upper())) and recherche.upper() not in passage.codes:
        trouves |= dict.fromkeys(passage.codes, passage.nom_ancien or passage.ancien)
    if (epci := epci_ailleurs().get(recherche)) and recherche not in epci.codes:
        trouves |= dict.fromkeys(epci.codes, epci.nom)
    return trouves


def _correspond(liste: pd.DataFrame, noms: pd.Series, recherche: str) -> pd.Series:
    gardes = pd.Series(True, index=liste.index)
    mots = normaliser(recherche).split()
    for mot in mots:
        gardes &= noms.str.contains(mot, regex=False)
    gardes &= bool(mots)
    code = recherche.upper().removeprefix("REGION:")
    gardes |= liste["code"].str.upper().str.startswith(code)
    gardes |= (liste["maille"] == "commune") & liste["code"].isin(communes_du_code_postal(code))
    return gardes


def membres(maille: str | Territoire) -> pd.DataFrame:
    """L'appartenance de chaque commune à une maille, d'un coup.

    Parameters
    ----------
    maille : str or Territoire
        ``commune``, ``epci``, ``departement``, ``region`` ou ``france`` : les 34 875 communes, dont
        quatre îles sans EPCI (code manquant) ; ``epci_2025``, les EPCI de 2025. Un Territoire : ses communes seulement.

    Returns
    -------
    pandas.DataFrame
        ``commune``, ``code`` ; triée par commune.

    Raises
    ------
    DemandeFausse
        Maille inconnue, ou qui ne découpe pas la France (QPV, périmètre).

    Examples
    --------
    >>> liens = membres("epci")
    >>> len(liens), liens[liens.code == "200048551"].commune.size
    (34875, 37)
    """
    if isinstance(maille, Territoire):
        return pd.DataFrame({"commune": list(maille.communes), "code": maille.code}, dtype="str")
    if maille in ("qpv", "perimetre"):
        raise DemandeFausse(
            f"la maille « {maille} » ne découpe pas la France entière",
            attendu="commune, epci, departement, region ou france",
            conseil="donnez le territoire lui-même : membres(territoire(…))",
        )
    _verifier_maille(exiger_texte(maille), (*MAILLES[:5], *(f"epci_{annee}" for annee in ANNEES)))
    return appartenance(maille).copy(deep=False)
