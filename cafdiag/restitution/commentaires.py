"""Commenter un indicateur : son niveau, son écart, son rang, sa tendance, sa limite. Des règles, pas des jugements.

Une phrase par idée, dans cet ordre ; une idée qui ne tient pas est tue, et son motif gardé. Un écart ou un rang plus
petit que l'incertitude ne se commente pas.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import dictionnaire, effectifs
from cafdiag.indicateurs.positions import se_distinguent
from cafdiag.restitution.accords import accorder, aucun, elider, masculin, ordinal, prendre_article, singulier
from cafdiag.restitution.formats import (
    FINE,
    FOIS_LA_FRANCE,
    arrondir,
    date_de,
    decimales_de,
    majuscule,
    nombre,
)
from cafdiag.restitution.lecture import MesuresLues, ecart_dit, sur_place

REFERENCES = ("departement", "region", "france", "comparables")
# Les limites du dictionnaire sont des phrases : on en dit autant qu'une ligne en porte, la première toujours.
LONGUEUR_LIMITE = 120
_PART_QUI_VIT = r"Part des (.+?) (?:vivant )?((?:dans une commune|à moins de|à \d+ minutes) .+)"
_ENFANTS = "pour 100 enfants de moins de 3 ans"
# Déjà des comparaisons à une référence.
ECARTS = ("points", FOIS_LA_FRANCE)
# Ce que le libellé dirait lourdement, ou qu'il faut dire avec lui ; {p}, {f} et {e} : place, foyer et enfant, accordés.
_TOURNURES = {
    "PE_TXCOUV_GLOBAL": f"l'offre d'accueil est de {{v}} {{p}} {_ENFANTS}",
    "PE_TXCOUV_EAJE": f"l'accueil collectif (EAJE) offre {{v}} {{p}} {_ENFANTS}",
    "PE_TXCOUV_AM": f"les assistants maternels offrent {{v}} {{p}} {_ENFANTS}",
    "PE_TXCOUV_PRESCO": f"la préscolarisation à 2 ans offre {{v}} {{p}} {_ENFANTS}",
    "PE_TXCOUV_GAD": f"la garde à domicile offre {{v}} {{p}} {_ENFANTS}",
    "PE_TENSION": "on compte {v} {e} de moins de 3 ans par place d'accueil",
    "PE_RATIO_REF": "le taux de couverture global est de {v} fois celui de la France",
    "PE_PART_INDIV": "l'accueil individuel (assistants maternels et garde à domicile) fait {v} de l'offre",
    "PS_COUV_POP": "la Caf couvre, hors régime agricole (MSA), {v} de la population",
    "PS_ALLOC_POP": "on compte, hors régime agricole (MSA), {v} {f} pour 100 habitants",
}


@dataclass(frozen=True)
class Commentaire:
    """Les phrases d'un indicateur, dans l'ordre où elles se lisent ; ``tus`` dit pourquoi les autres manquent."""

    niveau: str = ""
    rang: str = ""
    tendance: str = ""
    limite: str = ""
    tus: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(p for p in (self.niveau, self.rang, self.tendance, self.limite) if p)


def commenter(lecture: MesuresLues, code: str) -> str:
    """Le commentaire d'un indicateur, en une à quatre phrases ; s'il n'est pas connu, la phrase dit pourquoi.

    Parameters
    ----------
    lecture : MesuresLues
        Mesures du territoire et de ses références ; avec une confrontation, les rangs ; avec des séries, les
        tendances.
    code : str
        Code du dictionnaire.

    Raises
    ------
    DemandeFausse
        Indicateur absent des mesures lues.

    Examples
    --------
    >>> from cafdiag.indicateurs import comparer
    >>> phrase = commenter(MesuresLues(comparer("200048551", ["PE_TXCOUV_EAJE"])), "PE_TXCOUV_EAJE")
    >>> phrase.replace(FINE, " ").split(". ")[0]  # doctest: +NORMALIZE_WHITESPACE
    "L'accueil collectif (EAJE) offre 9,6 places pour 100 enfants de moins de 3 ans fin 2023,
     soit 1,9 place de moins que le département (11,5) ; France hors Mayotte : 23,5"
    """
    return str(commentaire(lecture, code))


def commentaire(
    lecture: MesuresLues, code: str, *, limite: bool = True, groupes: tuple[str, ...] = ("proches", "comparables")
) -> Commentaire:
    """Comme :func:`commenter`, phrase par phrase, avec les motifs de ce qui est tu.

    Parameters
    ----------
    limite : bool
        Ajoute la limite du dictionnaire.
    groupes : tuple of str
        Groupes dont le rang est dit.
    """
    ligne = lecture.ligne(code)
    if not ligne:
        raise DemandeFausse(f"indicateur sans mesure : « {code} »", attendu="un indicateur lu")
    if not lecture.connu(code):
        motif = ligne.get("motif") or "non disponible"
        if lecture.bornes(code):
            # Le motif commence par les bornes, unité comprise ; la suite dit quoi apporter, ailleurs dans le rapport.
            bornes, _, suite = motif.partition(" ; ")
            pourquoi = f" ({suite.split(' ; ')[0]})" if suite else ""
            quoi = ligne["libelle"] + (f" ({date_de(ligne)})" if date_de(ligne) else "")
            return Commentaire(niveau=f"{quoi} : {bornes}{pourquoi}.", tus=(motif,))
        return Commentaire(niveau=f"{ligne['libelle']} : non énoncé ({motif}).", tus=(motif,))
    if sur_place(ligne):
        lieu = ligne["libelle"].split("jusqu'à ")[-1]
        motif = "de centre à centre de commune, la durée y est nulle et ne se compare pas"
        ou = f"{lieu} est dans la commune"
        if ligne.get("maille") != "commune":
            ou = f"dans chaque commune habitée, {lieu} est sur place"
        dit = f"{majuscule(ou)}{_quand(lecture, code)}"
        return Commentaire(niveau=f"{dit} : {motif}.", limite=_limite(code) if limite else "", tus=(motif,))
    ecart, sans_ecart = _ecart(lecture, code)
    rangs = rangs_dits(lecture, code, groupes)
    sans_rang = "" if rangs else "pas de rang : un effectif, trop peu de territoires connus, ou trop d'ex æquo"
    tendance, sans_tendance = _tendance(lecture, code)
    return Commentaire(
        niveau=f"{niveau(lecture, code)}{ecart}.",
        rang=f"Du plus élevé au plus bas : {' ; '.join(rangs)}." if rangs else "",
        tendance=tendance,
        limite=_limite(code) if limite else "",
        tus=tuple(m for m in (sans_ecart, sans_rang, sans_tendance) if m),
    )


def niveau(lecture: MesuresLues, code: str) -> str:
    """Le niveau d'un indicateur connu, avec son unité et son année, sans point final.

    Examples
    --------
    >>> from cafdiag.indicateurs import comparer
    >>> niveau(MesuresLues(comparer("200048551", ["PE_NAISS"])), "PE_NAISS")
    'On compte 271 naissances domiciliées en 2024'
    """
    dit = _evolution(lecture, code) if code.endswith("_EVOL") else ""
    if not dit:
        dit = _valeur_en_phrase(lecture, code) + _quand(lecture, code) + lecture.entre(code)
    return majuscule(dit + lecture.hors_mayotte(code))


def _places(ligne: dict) -> int:
    return decimales_de(ligne["unite"])


def _quand(lecture: MesuresLues, code: str) -> str:
    annee, ligne = lecture.annee(code), lecture.ligne(code)
    if annee is None:
        return ""
    if date_de(ligne) != str(annee):
        return f" ({date_de(ligne)})"
    return f" fin {annee}" if str(ligne.get("millesime")).startswith("décembre") else f" en {annee}"


def _valeur_en_phrase(lecture: MesuresLues, code: str) -> str:
    ligne, valeur = lecture.ligne(code), lecture.valeur(code)
    libelle, unite = str(ligne["libelle"]), str(ligne["unite"])
    if ligne.get("modalite"):
        return f"{libelle} : {ligne['modalite']} ({re.sub(r' [(].*', '', _avec_unite(lecture, code))})"
    if code in _TOURNURES:
        noms = {"p": "places", "f": "foyers allocataires", "e": "enfants"}
        accordes = {lettre: accorder(valeur, nom) for lettre, nom in noms.items()}
        return elider(_TOURNURES[code].format(v=lecture.dit(code), **accordes))
    if unite == "%" and (trouve := re.fullmatch(_PART_QUI_VIT, libelle)):
        return f"{_part_de(lecture, code, trouve[1])} vivent {trouve[2]}"
    if unite == "%" and (trouve := re.fullmatch(r"Part des (.+) dans la population", libelle)):
        return f"les {trouve[1]} représentent {lecture.dit(code)} de la population"
    article = prendre_article(libelle)
    if article:
        return elider(f"{article} est de {_avec_unite(lecture, code)}")
    if arrondir(valeur, _places(ligne)) == 0:
        return f"on ne compte {aucun(libelle)} {singulier(libelle)}"
    libelle = libelle.removesuffix(" (estimés)") if lecture.estime(code) else libelle
    minuscule = libelle if libelle.split(" ")[0].isupper() else libelle[:1].lower() + libelle[1:]
    accorde = singulier(libelle) if abs(valeur) < 2 else minuscule
    return f"on compte {lecture.dit(code)} {accorde}"


def _avec_unite(lecture: MesuresLues, code: str) -> str:
    unite = str(lecture.ligne(code)["unite"])
    if unite in ("%", ""):
        return lecture.dit(code)
    if unite == "points":
        return f"{lecture.texte(code, signe=True)} {accorder(lecture.valeur(code), unite)}"
    return f"{lecture.dit(code)} {accorder(lecture.valeur(code), unite)}"


def _part_de(lecture: MesuresLues, code: str, gens: str) -> str:
    """« 48,1 % des habitants », « tous les enfants », « presque toutes les familles », « aucun enfant »."""
    valeur, places = lecture.valeur(code), _places(lecture.ligne(code))
    tous = "tous les" if masculin(gens) else "toutes les"
    if round(valeur, 6) >= 100:
        return f"{tous} {gens}"
    if arrondir(valeur, places) >= 100:
        return f"presque {tous} {gens}"
    return f"{lecture.dit(code)} des {gens}"


def _evolution(lecture: MesuresLues, code: str) -> str:
    """« les naissances domiciliées ont diminué de 13,2 % entre 2019-2021 et 2023-2025 »."""
    ligne, valeur = lecture.ligne(code), lecture.valeur(code)
    trouve = re.fullmatch(r"Évolution (de la |de l'|du |des )(.+?)( de \d{4} à \d{4})?(,.*)?", str(ligne["libelle"]))
    if trouve is None or ligne["unite"] != "%":
        return ""
    sujet = {"de la ": "la ", "de l'": "l'", "du ": "le ", "des ": "les "}[trouve[1]] + trouve[2]
    aux = "ont" if trouve[1] == "des " else "a"
    periode = str(ligne.get("millesime") or "")
    entre = f" entre {periode}" if re.fullmatch(r"[\d-]+ et [\d-]+", periode) else _quand(lecture, code)
    if arrondir(valeur, 1) == 0:
        return f"{sujet} {'sont' if aux == 'ont' else 'est'} au même niveau{entre} (0,0{FINE}%)"
    verbe = "augmenté" if valeur > 0 else "diminué"
    return f"{sujet} {aux} {verbe} de {nombre(abs(valeur), decimales=1)}{FINE}%{entre}{_effectifs(ligne)}"


def _effectifs(ligne: dict) -> str:
    """« (de 134 à 122) » : neuf pour cent de peu de chose se lit autrement."""
    avant, apres = ligne.get("denominateur"), ligne.get("numerateur")
    if pd.isna(avant) or pd.isna(apres):
        return ""
    return f" (de {nombre(avant, decimales=0)} à {nombre(apres, decimales=0)})"


def reference(lecture: MesuresLues, code: str) -> str | None:
    """La référence connue la plus proche du territoire, à la même date ; None s'il n'y en a pas."""
    return next((r for r in REFERENCES if lecture.comparable(code, r)), None)


def _ecart(lecture: MesuresLues, code: str) -> tuple[str, str]:
    """Écart à la référence la plus proche, à la suite du niveau ; ou pourquoi il est tu."""
    if code in effectifs():
        return "", "un effectif ne se compare pas à celui d'un territoire plus grand"
    if lecture.ligne(code).get("modalite") or lecture.ligne(code)["unite"] in ECARTS:
        return "", "une modalité, ou ce qui est déjà un écart, ne se compare pas"
    role = reference(lecture, code)
    if role is None:
        return "", "aucune référence connue"
    nom, montre = lecture.nom(code, role), lecture.texte(code, role, signe=code.endswith("_EVOL"))
    ecart = lecture.ecart(code, role)
    france = f" ; {lecture.france(code)} : {lecture.texte(code, 'france', signe=code.endswith('_EVOL'))}"
    france = france if role not in ("france", "comparables") and lecture.comparable(code, "france") else ""
    if ecart is None:
        motif = f"l'écart avec {nom} ({montre}) est trop petit pour être commenté"
        return f" ; {motif}", motif
    # « Tous les habitants, soit 35,9 points de plus » ne se dit pas.
    entier = lecture.ligne(code)["unite"] == "%" and arrondir(lecture.valeur(code), 1) >= 100
    if code.endswith("_EVOL") or entier:
        lieu = {"departement": f"dans {nom}", "region": "dans la région", "france": f"en {lecture.france(code)}"}
        return f", contre {montre} {lieu.get(role, f'pour {nom}')}{france}", ""
    return f", {_dire_ecart(lecture, code, role)} {nom} ({montre}){france}", ""


def _dire_ecart(lecture: MesuresLues, code: str, role: str) -> str:
    """« soit 1,9 place de plus que », calculé sur les valeurs montrées : la soustraction se vérifie à la lecture."""
    ligne, places = lecture.ligne(code), _places(lecture.ligne(code))
    ici, la = (float(arrondir(lecture.valeur(code, r), places)) for r in ("territoire", role))
    ecart, sens = round(abs(ici - la), places), "plus" if ici > la else "moins"
    unite = str(ligne["unite"])
    # « 0,4 place » ne se voit pas ; entre deux petits taux, c'est pourtant beaucoup.
    if ecart < 1 <= min(ici, la) / 10 and unite.startswith("places"):
        return "soit moins d'une place d'écart avec"
    return f"soit {ecart_dit(ecart, unite, places)} de {sens} que"


def rangs_dits(lecture: MesuresLues, code: str, groupes: tuple[str, ...]) -> list[str]:
    """Rangs parmi ces groupes, ex æquo compris ; vide pour un effectif, qui suit la taille du territoire."""
    dits: list[str] = []
    if code in effectifs():
        return dits
    for groupe in groupes:
        place = lecture.position(code, groupe)
        if place is None or pd.isna(place["rang_haut"]):
            continue
        libelle = lecture.groupes[groupe].libelle
        if lecture.groupes[groupe].maille != lecture.ligne(code)["maille"]:
            # Un périmètre n'est pas une intercommunalité : il se place à côté d'elles, pas parmi elles.
            libelle = f"avec les {int(place['nombre'])} {libelle}"
        elif groupe != "comparables" and int(place["classes"]) <= len(lecture.groupes[groupe].codes):
            # Un de ces territoires n'a pas ce chiffre : le dire, sinon le total semble changer sans raison.
            libelle = f"des {len(lecture.groupes[groupe].codes) + 1} {libelle}"
        if groupe == "comparables":
            connus, tous = int(place["nombre"]), len(lecture.groupes[groupe].codes)
            libelle = f"avec {'ses' if connus == tous else f'{connus} de ses'} {tous} {libelle}"
        if groupe == "comparables" or reference(lecture, code) is None:
            libelle += f" (médiane : {nombre(place['mediane'], decimales=_places(lecture.ligne(code)))})"
        rang = rang_dit(place, libelle)
        if rang:
            dits.append(rang)
    return dits


def rang_dit(place: dict, libelle: str) -> str:
    """« 3e sur 9 EPCI », « 5e ou 6e sur 9 EPCI, ex æquo » ; vide si les ex æquo sont plus de la moitié.

    Examples
    --------
    >>> rang_dit({"rang_haut": 1, "rang_bas": 1, "classes": 9}, "EPCI")
    '1er sur 9 EPCI'
    >>> rang_dit({"rang_haut": 5, "rang_bas": 7, "classes": 9}, "EPCI")
    'entre le 5e et le 7e sur 9 EPCI, ex æquo'
    >>> rang_dit({"rang_haut": 2, "rang_bas": 9, "classes": 9}, "EPCI")
    ''
    """
    haut, bas, classes = (int(place[c]) for c in ("rang_haut", "rang_bas", "classes"))
    if 2 * (bas - haut + 1) > classes:
        return ""
    if haut == bas:
        return f"{ordinal(haut)} sur {classes} {libelle}"
    rangs = f"{ordinal(haut)} ou" if bas == haut + 1 else f"entre le {ordinal(haut)} et le"
    return f"{rangs} {ordinal(bas)} sur {classes} {libelle}, ex æquo"


def situe(lecture: MesuresLues, code: str, *, groupe: str = "proches") -> str:
    """« parmi les plus bas du département », « dans la moyenne du département » ; vide si le rang ne l'assure pas.

    Le rang compte ses ex æquo : il faut que le meilleur et le moins bon possibles soient du même tiers.
    """
    place, parmi = lecture.position(code, groupe), lecture.groupes.get(groupe)
    if place is None or parmi is None or math.isnan(place["rang_haut"]):
        return ""
    semblables = f"des {parmi.libelle.replace('EPCI', 'intercommunalités')}" if groupe == "comparables" else ""
    ou = semblables or next((dit for dit in ("du département", "de la région") if dit in parmi.libelle), "")
    if not ou or parmi.maille != lecture.ligne(code)["maille"]:
        return ""
    haut, bas, classes = (int(place[c]) for c in ("rang_haut", "rang_bas", "classes"))
    sans_valeur = len(parmi.codes) + 1 - classes
    # Un membre sans valeur pourrait être au-dessus comme au-dessous : « le plus » ne se dit que si tous sont classés.
    if not sans_valeur and (bas == 1 or haut == classes):
        return f"le plus {'élevé' if bas == 1 else 'bas'} {ou}"
    tiers = math.ceil(classes / 3)
    if bas <= tiers or haut > classes - tiers:
        return f"parmi les plus {'élevés' if bas <= tiers else 'bas'} {ou}"
    # Au milieu, il le faut quelle que soit la place de ceux-là.
    tous = classes + sans_valeur
    moyen = haut > math.ceil(tous / 3) and bas + sans_valeur <= tous - math.ceil(tous / 3)
    return f"dans la moyenne {ou}" if moyen else ""


def _tendance(lecture: MesuresLues, code: str) -> tuple[str, str]:
    """De la première à la dernière année connue de la série ; ou pourquoi elle est tue."""
    serie = lecture.series.get(code)
    if serie is None:
        return "", ""
    connues = derniere_suite(serie)
    if len(connues) < 2:
        return "", "pas de tendance : une seule année connue, ou une seule depuis une rupture de série"
    debut, fin = connues.iloc[0], connues.iloc[-1]
    places = _places(lecture.ligne(code))
    ecart = round(float(fin["valeur"]) - float(debut["valeur"]), 6)
    de, a = (nombre(li["valeur"], decimales=places) for li in (debut, fin))
    entre = f"de {int(debut['annee'])} à {int(fin['annee'])}"
    if not se_distinguent(debut, fin, places):
        return "", f"pas de tendance {entre} : {de} puis {a}, un écart plus petit que l'incertitude"
    if code in effectifs() and debut["valeur"] > 0:
        soit = nombre(100 * ecart / float(debut["valeur"]), decimales=1, signe=True) + f"{FINE}%"
    else:
        vu = float(arrondir(fin["valeur"], places) - arrondir(debut["valeur"], places))
        soit = nombre(vu, decimales=places, signe=True)
        soit += f" {accorder(vu, 'points')}" if lecture.ligne(code)["unite"] in ("%", "points") else ""
    return f"{majuscule(entre)} : {de} puis {a}, soit {soit}.", ""


def derniere_suite(serie: pd.DataFrame) -> pd.DataFrame:
    """Années connues d'une série, depuis sa dernière rupture : celles d'avant ne s'y comparent pas.

    Examples
    --------
    >>> t = pd.DataFrame({"annee": [2020, 2021, 2022], "valeur": [1.0, 2.0, 3.0], "rupture": [False, True, False]})
    >>> derniere_suite(t)["annee"].tolist()
    [2021, 2022]
    """
    serie = serie.sort_values("annee")
    if "rupture" in serie and serie["rupture"].any():
        serie = serie[serie["annee"].ge(serie.loc[serie["rupture"], "annee"].max())]
    return serie[serie["valeur"].notna()]


def _limite(code: str) -> str:
    phrases = [p.strip().rstrip(".") for p in dictionnaire().at[code, "limites"].split(". ") if p.strip()]
    dites: list[str] = []
    for phrase in phrases:
        if dites and len(". ".join([*dites, phrase])) > LONGUEUR_LIMITE:
            break
        dites.append(phrase)
    return ". ".join(dites) + "." if dites else ""
