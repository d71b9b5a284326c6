"""Les données nominatives n'entrent pas : un registre décrit des lieux, jamais des personnes.

Une seule case nominative fait refuser le fichier entier, avec la ligne et la raison. La valeur elle-même
n'est jamais répétée dans le message : il finit dans un courriel ou un journal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cafdiag.territoires.normalisation import normaliser

EXPLICATION = (
    "un registre décrit des lieux, jamais des personnes : ôtez ces colonnes ou ces valeurs du fichier "
    "(le diagnostic n'en a pas besoin), puis relancez ; rien n'a été importé"
)

_PERSONNES = (
    r"enfants?|parents?|mere|pere|maman|papa|famille|allocataires?|beneficiaires?|usagers?|adherents?|"
    r"assistante?s? maternel(?:le)?s?|assmat|naissance|jeune fille|usage|patronymique|conjoint|tuteur|"
    r"representant legal|responsable legal"
)
_COMPTE = re.compile(
    r"^(?:nb|nbre|nombre|nombres|effectifs?|total|part|taux|places?|heures?|moyenne|capacite|"
    r"jeunes|enfants|familles|parents|type|categorie)\b"
)
# Chaque règle : ce que dit l'en-tête (normalisé), et ce que c'est.
_ENTETES = (
    (
        re.compile(
            r"\b(?:n|no|num|numero|code|id|identifiant|ref|reference)\b.*\b(?:allocataire|alloc|"
            r"dossier caf)\b|^allocataire$"
        ),
        "numéro d'allocataire",
    ),
    (re.compile(r"\bprenoms?\b"), "prénom d'une personne"),
    (re.compile(rf"\b(?:noms?|identite|nom et prenom)\b.*\b(?:{_PERSONNES})\b"), "nom d'une personne"),
    (re.compile(rf"^(?:{_PERSONNES})$"), "nom d'une personne"),
    (re.compile(r"^(?:nom|identite) complete?$|^civilite$"), "identité d'une personne"),
    (
        re.compile(
            r"\b(?:date|lieu|jour|commune|ville|pays) (?:de |d )?naiss|\bnee? (?:e )?(?:le|a)\b|"
            r"^naissance$|\bddn\b|\bdate naiss"
        ),
        "date ou lieu de naissance",
    ),
    (
        re.compile(r"\bnir\b|\bsecurite sociale\b|\bsecu\b|\bn(?:um|umero|o)? ss\b|\bnss\b"),
        "numéro de sécurité sociale",
    ),
    (re.compile(r"\bmatricules?\b"), "matricule allocataire"),
    (
        re.compile(
            rf"\b(?:tel|telephone|portable|mobile|gsm|mail|mel|email|e mail|courriel|adresse)\b.*"
            rf"\b(?:{_PERSONNES}|domicile|personnel(?:le)?|perso)\b"
        ),
        "coordonnées d'une personne",
    ),
    (re.compile(r"\b(?:portable|gsm|tel(?:ephone)? mobile|mobile)\b"), "téléphone d'une personne"),
)
# « Nom du lieu d'accueil enfants-parents », « Nom du relais assistants maternels » nomment des lieux.
_LIEU = re.compile(
    r"\b(?:structure|etablissement|creche|centre|lieu|relais|equipement|service|accueil|"
    r"maison|ecole|site|association|commune|gestionnaire)s?\b"
)
_PROFESSIONNELS = re.compile(
    r"\b(?:direct(?:eur|rice)|responsable|referente?|contact|president(?:e)?|coordinat(?:eur|rice)|"
    r"animat(?:eur|rice)|interlocut(?:eur|rice))\b"
)
_ENTETE_COURRIEL = re.compile(r"\b(?:mail|mel|email|courriel)s?\b")
_ENTETE_TELEPHONE = re.compile(r"\b(?:tel|telephone|phone|fax)s?\b")

_NIR = re.compile(
    r"(?<![\dA-Za-z])([1-478])(\d{2})(0[1-9]|1[0-2]|[23]\d|4[0-2]|[5-9]\d)(\d{2}|2[ABab])(\d{3})(\d{3})(\d{2})(?![\dA-Za-z])"
)
_PORTABLE_PERSO, _COURRIEL_PERSO = "téléphone portable d'une personne", "courriel d'une personne"
_CIVILITE = re.compile(r"(?:^|[\s(])(?:m\.|mr\.?|mme\.?|mlle\.?|madame|monsieur)(?=[\s)]|$)", re.IGNORECASE)
_NE_LE = re.compile(r"\bné(?:\(?e\)?)?\s+le\s+\d", re.IGNORECASE)
_PORTABLE = re.compile(r"(?<!\d)(?:(?:\+|00)33(?:\(0\))?|0)[67]\d{8}(?!\d)")
_COURRIEL = re.compile(r"([\w.+%'-]+)@((?:[\w-]+\.)+[A-Za-z]{2,})")
_DECIMALES = re.compile(r"\d+[.,]\d{4,}")
_ENTRE_CHIFFRES = re.compile(r"(?<=[\dABab)])[\s.\-/_]+(?=[\dABab(])")

_MESSAGERIES = re.compile(
    r"^(?:gmail|googlemail|orange|wanadoo|hotmail|outlook|live|msn|yahoo|ymail|free|sfr|neuf|laposte|"
    r"bbox|numericable|icloud|me|aol|gmx|proton|protonmail|tutanota|club internet|aliceadsl)\."
)
# Adresses de service : elles ne désignent personne.
_MOTS_SERVICES = (
    "contact contacts accueil info infos information informations mairie commune secretariat direction "
    "administration admin bureau creche creches multi multiaccueil halte garderie micro microcreche eaje "
    "petiteenfance petite enfance jeunesse enfancejeunesse famille familles alsh loisirs loisir centre "
    "centres social sociaux centresocial csc cs evs espace espaces vie sociale laep rpe ram ripe relais "
    "maison maisons service services fs franceservices france ludotheque periscolaire accueildeloisirs "
    "clsh acm ados ado jeunes asso association mjc foyer rural ccas cias cdc cc communaute agglo ville "
    "siege gestion reception standard courrier noreply ps structure etablissement scolaire education "
    "animation culture parentalite mam bonjour hello coordination departement caf departemental"
)
_SERVICES = frozenset(_MOTS_SERVICES.split())
_MOTS_PRENOMS = (
    "marie jean pierre michel andre philippe nathalie isabelle catherine francoise sylvie martine nicolas "
    "stephane sandrine christophe christine valerie veronique patrick laurent thierry sophie julie emilie "
    "celine aurelie stephanie anne claire laure camille thomas julien david eric pascal olivier alain "
    "bruno frederic sebastien guillaume alexandre antoine paul louis lucas hugo emma lea manon chloe sarah "
    "laura pauline marine elodie virginie delphine caroline florence corinne brigitte monique jacques "
    "daniel bernard dominique franck vincent benoit mathieu maxime fatima mohamed karim nadia"
)
_PRENOMS = frozenset(_MOTS_PRENOMS.split())


def cle_du_nir(treize: str) -> int:
    """Clé de contrôle d'un numéro de sécurité sociale : 97 − (les treize premiers caractères modulo 97).

    La Corse s'écrit 2A ou 2B ; on la remplace par 19 et 18 avant le calcul.

    >>> cle_du_nir("2550814168025"), cle_du_nir("185052A012345") == cle_du_nir("1850519012345")
    (38, True)
    """
    chiffres = treize.upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(chiffres) % 97


def contient_nir(texte: str) -> bool:
    """Vrai si le texte porte un numéro de sécurité sociale de quinze caractères dont la clé est juste.

    >>> contient_nir("n° 2 55 08 14 168 025 38"), contient_nir("2 55 08 14 168 025 39")
    (True, False)
    """
    return any(cle_du_nir("".join(m.groups()[:-1])) == int(m.group(7)) for m in _NIR.finditer(_souder(texte)))


def _souder(texte: str) -> str:
    # Les décimales d'une latitude, soudées à ses degrés, font parfois quinze chiffres et une clé juste.
    return _ENTRE_CHIFFRES.sub("", _DECIMALES.sub("#", texte))


def courriel_personnel(texte: str) -> bool:
    """Vrai si le texte porte l'adresse d'une personne, et non celle d'un service.

    >>> courriel_personnel("contact@creche.fr"), courriel_personnel("marie.durand@creche.fr")
    (False, True)
    >>> courriel_personnel("multi.accueil@ville.fr"), courriel_personnel("mdurand49@orange.fr")
    (False, True)
    """
    return any(_designe_quelqu_un(*m.groups()) for m in _COURRIEL.finditer(texte))


def _designe_quelqu_un(local: str, domaine: str) -> bool:
    # « ' » et « % » collés viennent d'un copier-coller ; les chiffres finaux d'un homonyme.
    jetons = [
        j.rstrip("0123456789")
        for j in re.split(r"[._+%'\-]+", normaliser(local.replace(".", "_")).replace(" ", "_"))
        if j
    ]
    jetons = [j for j in jetons if j]
    if not jetons or any(j in _SERVICES for j in jetons):
        return False
    if any(len(s) > 4 and s in j for j in jetons for s in _SERVICES):
        return False
    if any(j in _PRENOMS for j in jetons) or len(jetons) > 1:
        return True
    return bool(_MESSAGERIES.match(domaine.lower()))


def entete_nominatif(entete: str) -> str:
    """Nature nominative annoncée par un en-tête de colonne, vide s'il n'en annonce pas.

    >>> entete_nominatif("Prénom de l'enfant"), entete_nominatif("Nombre d'enfants")
    ("prénom d'une personne", '')
    >>> entete_nominatif("N° allocataire"), entete_nominatif("Nombre d'allocataires")
    ("numéro d'allocataire", '')
    """
    normal = normaliser(entete.replace("°", " ").replace("_", " "))
    if _COMPTE.match(normal) and "prenom" not in normal and "naiss" not in normal:
        return ""
    nature = next((nature for motif, nature in _ENTETES if motif.search(normal)), "")
    return "" if nature == "nom d'une personne" and _LIEU.search(normal) else nature


def ne_se_garde_pas(entete: str) -> bool:
    """Vrai pour un contact professionnel ou de structure : toléré dans le fichier, jamais gardé.

    >>> ne_se_garde_pas("Téléphone"), ne_se_garde_pas("Directrice"), ne_se_garde_pas("Places")
    (True, True, False)
    """
    normal = normaliser(entete.replace("_", " "))
    return any(m.search(normal) for m in (_PROFESSIONNELS, _ENTETE_COURRIEL, _ENTETE_TELEPHONE))


def nomme_quelqu_un(nom: str) -> bool:
    """Vrai si le nom d'une structure est celui d'une personne : une assistante maternelle, le plus souvent.

    >>> nomme_quelqu_un("Mme Dupont Sophie"), nomme_quelqu_un("DURAND Claire"), nomme_quelqu_un("Louise MICHEL")
    (True, True, False)
    >>> nomme_quelqu_un("Micro-crèche Madame Coccinelle"), nomme_quelqu_un("ESPACE Camille Claudel")
    (False, False)
    """
    normal = normaliser(nom)
    if _LIEU.search(normal) or _SERVICES.intersection(normal.split()):
        return False
    mots = nom.split()
    nom_puis_prenom = len(mots) == 2 and mots[0].isupper() and not mots[1].isupper() and normaliser(mots[1]) in _PRENOMS
    return bool(_CIVILITE.search(nom)) or (nom_puis_prenom and len(mots[0]) > 1)


def valeur_nominative(valeur: str, entete: str = "") -> str:
    """Nature nominative d'une valeur, où qu'elle soit ; vide si elle n'en a pas.

    >>> valeur_nominative("appeler le 06 12 34 56 78"), valeur_nominative("02 43 00 00 00")
    ("téléphone portable d'une personne", '')
    """
    if len(valeur) < 6:
        return ""
    soude = _souder(valeur)
    if any(c.isdigit() for c in valeur):
        if contient_nir(soude):
            return "numéro de sécurité sociale (clé vérifiée)"
        if _NE_LE.search(valeur):
            return "date de naissance"
        # Le tableur mange le zéro de tête d'un numéro saisi en nombre : 612345678.
        mange = re.fullmatch(r"[67]\d{8}", soude) and _ENTETE_TELEPHONE.search(normaliser(entete))
        if mange or _PORTABLE.search(soude):
            return _PORTABLE_PERSO
    if "@" in valeur and courriel_personnel(valeur):
        return _COURRIEL_PERSO
    return ""


def nominatives(
    entetes: Sequence[str],
    lignes: Sequence[tuple[int, Sequence[str]]],
    *,
    feuille: str = "",
    assistants: frozenset[int] = frozenset(),
    publique: bool = False,
) -> list[str]:
    """Toutes les données nominatives d'un tableau, une phrase par colonne fautive ou par case.

    Parameters
    ----------
    entetes : sequence of str
        En-têtes du fichier, colonnes ignorées comprises.
    lignes : sequence of (int, sequence of str)
        Numéro de ligne et cellules.
    feuille : str
        Nom de la feuille, pour le message.
    assistants : frozenset of int
        Numéros des lignes d'assistants maternels : un nom y est celui d'une personne, une adresse un domicile.
    publique : bool
        Liste publiée : ses courriels et téléphones sont ceux des structures, et ne sont pas lus.
    """
    ou = f"feuille « {feuille} », " if feuille else ""
    trouves: list[str] = []
    tues: set[int] = set()
    for rang, entete in enumerate(entetes):
        nature = entete_nominatif(entete)
        if publique and nature == "téléphone d'une personne":
            nature = ""
        remplies = [n for n, cellules in lignes if rang < len(cellules) and cellules[rang]]
        if not nature and assistants:
            nature = _nature_chez_les_assistants(entete)
            remplies = [n for n in remplies if n in assistants]
        if nature == "nom d'une personne" and all(
            cellules[rang].isdigit() for n, cellules in lignes if rang < len(cellules) and cellules[rang]
        ):
            nature = ""  # un compte sous un titre bref : « Enfants », « Usagers »
        if nature and remplies:
            tues.add(rang)
            trouves.append(f"{ou}colonne « {entete} » : {nature}, {_lignes(remplies)} (valeurs tues)")
    for numero, cellules in lignes:
        for rang, valeur in enumerate(cellules):
            if rang in tues or not valeur:
                continue
            entete = entetes[rang] if rang < len(entetes) else ""
            nature = valeur_nominative(valeur, entete)
            if nature and not (publique and nature in (_COURRIEL_PERSO, _PORTABLE_PERSO)):
                trouves.append(f"{ou}ligne {numero}, colonne « {entete} » : {nature} (valeur tue)")
    return trouves


def _nature_chez_les_assistants(entete: str) -> str:
    normal = normaliser(entete.replace("_", " "))
    if re.match(r"^(?:nom|nom et prenom|assistante?s? maternel(?:le)?s?|am)$", normal):
        return "nom d'un assistant maternel"
    if re.search(r"\b(?:adresse|rue|voie|lon|lat|longitude|latitude|lng|x|y|domicile)\b", normal):
        return "domicile d'un assistant maternel : ils se comptent par commune, jamais en points"
    return ""


def _lignes(numeros: list[int]) -> str:
    debut = ", ".join(str(n) for n in numeros[:3])
    if len(numeros) > 3:
        return f"lignes {debut}… ({len(numeros)} valeurs)"
    return f"ligne{'s' if len(numeros) > 1 else ''} {debut}"
