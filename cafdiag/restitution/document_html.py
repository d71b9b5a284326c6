"""Du HTML sémantique de nos blocs au modèle de document."""

from __future__ import annotations

from collections.abc import Iterator

from cafdiag.restitution.document import (
    Bloc,
    Bout,
    Bouts,
    Case,
    Chiffre,
    Chiffres,
    Definitions,
    Encadre,
    Figure,
    Liste,
    Paragraphe,
    Table,
    Titre,
    en_clair,
)
from cafdiag.restitution.html_semantique import (
    Arbre,
    classes,
    enfants,
    reduire,
    texte,
    titre_et_dessin,
)

_TITRES = {"h1": 1, "h2": 1, "h3": 2, "h4": 3, "h5": 4, "h6": 4}
# Ce qui ne sert qu'à l'écran : commandes, scripts, cadres.
_ECRAN = {"script", "style", "noscript", "button", "input", "select", "textarea", "iframe", "template", "nav"}
_BLOCS = {
    *_TITRES,
    "p", "ul", "ol", "dl", "table", "figure", "div", "section", "article", "aside", "details", "header",
    "footer", "blockquote", "main", "form", "fieldset",
}  # fmt: skip
# Dans cet ordre : « parole a-completer » est d'abord à compléter.
_ENCADRES = {
    "bref": "bref",
    "a-completer": "completer",
    "parole": "parole",
    "note-limite": "note",
    "avertissement": "alerte",
}
_ALLURES = {
    "source": "source",
    "carte-source": "source",
    "legende-tableau": "source",
    "motifs": "source",
    "avertissement": "avertissement",
    "nd": "note",
}


def lire_blocs(fragment: str) -> tuple[Bloc, ...]:
    """Les blocs d'un fragment HTML.

    Parameters
    ----------
    fragment : str
        Le HTML d'un morceau de rapport. Un élément inconnu est lu à travers : son texte n'est jamais perdu.

    Examples
    --------
    >>> titre, texte_ = lire_blocs("<section><h2>Portrait</h2><p>Il y a <b>37</b> communes.</p></section>")
    >>> titre.niveau, [b.gras for b in texte_.bouts]
    (1, [False, True, False])
    """
    return tuple(_Lecteur(Arbre(fragment)).contenu())


def _cache(element) -> bool:
    return (
        element.tag in _ECRAN
        or element.get("hidden") is not None
        or "carte-texte" in classes(element)
        or "ecran" in classes(element)
    )


class _Lecteur:
    def __init__(self, arbre: Arbre) -> None:
        self.arbre = arbre

    def contenu(self) -> Iterator[Bloc]:
        yield from self._blocs(self.arbre.racine)

    def _blocs(self, element) -> Iterator[Bloc]:
        """Blocs d'un conteneur ; le texte qui traîne entre deux blocs devient un paragraphe."""
        volants: list[Bout] = []

        def rendre() -> Iterator[Bloc]:
            bouts = _ranger(volants)
            volants.clear()
            if bouts:
                yield Paragraphe(bouts, _allure(element))

        _ajouter(volants, element.text)
        for enfant in element:
            if isinstance(enfant.tag, str) and not _cache(enfant):
                if enfant.tag in _BLOCS or self.arbre.svg(enfant) is not None:
                    yield from rendre()
                    yield from self._bloc(enfant)
                else:
                    self._bouts(enfant, volants, Bout(""))
            _ajouter(volants, enfant.tail)
        yield from rendre()

    def _bloc(self, element) -> Iterator[Bloc]:
        balise, mentions = element.tag, classes(element)
        genre = next((g for c, g in _ENCADRES.items() if c in mentions), None)
        if balise in _TITRES:
            bouts = self.bouts(element)
            if bouts:
                yield Titre(_TITRES[balise], bouts, _ancre(element))
        elif balise == "p":
            bouts = self.bouts(element)
            if bouts:
                yield Paragraphe(bouts, _allure(element))
        elif "chiffres" in mentions:
            yield Chiffres(tuple(self._chiffre(li) for li in enfants(element)))
        elif genre:
            blocs = tuple(self._depliant(element) if balise == "details" else self._blocs(element))
            if blocs:
                yield Encadre(genre, blocs)
        elif balise in ("ul", "ol"):
            elements = tuple(tuple(self._blocs(li)) for li in enfants(element) if not _cache(li))
            elements = tuple(e for e in elements if e)
            if elements:
                yield Liste(elements, balise == "ol", _allure(element))
        elif balise == "dl":
            yield self._definitions(element)
        elif balise == "table":
            table = self._table(element)
            if table.largeur:
                yield table
        elif balise == "figure":
            yield from self._figure(element)
        elif balise == "details":
            yield from self._depliant(element)
        elif self.arbre.svg(element) is not None:
            yield from self._dessin_seul(element)
        else:
            yield from self._blocs(element)

    def _depliant(self, element) -> Iterator[Bloc]:
        """Un passage replié à l'écran : son intitulé, puis son contenu."""
        for enfant in enfants(element):
            if enfant.tag == "summary":
                bouts = tuple(
                    Bout(b.texte, gras=True, petit=b.petit, saut=b.saut) for b in self.bouts(enfant)
                )
                if bouts:
                    yield Paragraphe(bouts, "intitule")
            elif not _cache(enfant):
                yield from self._bloc(enfant) if enfant.tag in _BLOCS else self._blocs(enfant)

    def bouts(self, element) -> Bouts:
        """Texte d'un élément, en bouts de même allure."""
        liste: list[Bout] = []
        self._bouts(element, liste, Bout(""))
        return _ranger(liste)

    def _bouts(self, element, liste: list[Bout], allure: Bout) -> None:
        balise = element.tag
        if not isinstance(balise, str) or _cache(element) or self.arbre.svg(element) is not None:
            return
        petit = allure.petit or balise == "small"
        neuf = Bout(
            "",
            gras=allure.gras or balise in ("b", "strong", "summary"),
            italique=allure.italique or balise in ("em", "i", "cite"),
            petit=petit,
        )
        if balise == "br" or (petit and not allure.petit):
            liste.append(Bout("", saut=True))
        _ajouter(liste, element.text, neuf)
        for enfant in element:
            self._bouts(enfant, liste, neuf)
            _ajouter(liste, enfant.tail, neuf)

    def _chiffre(self, element) -> Chiffre:
        bouts = self.bouts(element)
        valeur = en_clair(tuple(b for b in bouts if b.gras))
        libelle = en_clair(tuple(b for b in bouts if not b.gras and not b.petit))
        return Chiffre(valeur, libelle, en_clair(tuple(b for b in bouts if b.petit and not b.gras)))

    def _definitions(self, element) -> Definitions:
        termes: list[tuple[tuple[Bout, ...], tuple[Bout, ...]]] = []
        terme: tuple[Bout, ...] = ()
        for enfant in element.iter("dt", "dd"):
            if enfant.tag == "dt":
                terme = self.bouts(enfant)
            else:
                termes.append((terme, self.bouts(enfant)))
        return Definitions(tuple(termes))

    def _table(self, element) -> Table:
        legende = element.find("caption")
        titre = precision = ""
        if legende is not None:
            precision = " ".join(texte(s) for s in legende.iter("small"))
            titre = en_clair(tuple(b for b in self.bouts(legende) if not b.petit))
        entetes = tuple(self._ligne(li) for li in element.iterfind("./thead/tr"))
        # Sans <tbody> : les lignes sont directement sous le tableau.
        corps = tuple(self._ligne(li) for li in element.xpath("./tbody/tr | ./tr | ./tfoot/tr"))
        return Table(titre, precision, entetes, corps)

    def _ligne(self, ligne) -> tuple[Case, ...]:
        accent = "territoire" in classes(ligne)
        return tuple(
            Case(
                self.bouts(case),
                entete=case.tag == "th",
                nombre="nombre" in classes(case),
                accent=accent or "territoire" in classes(case),
                colonnes=int(case.get("colspan") or 1),
                lignes=int(case.get("rowspan") or 1),
            )
            for case in enfants(ligne)
        )

    def _figure(self, element) -> Iterator[Bloc]:
        legende = next((e for e in enfants(element) if e.tag == "figcaption"), None)
        bouts = () if legende is None else self.bouts(legende)
        titre = en_clair(tuple(b for b in bouts if not b.petit))
        precision = en_clair(tuple(b for b in bouts if b.petit))
        dessins = [s for s in map(self.arbre.svg, element.iter("img")) if s]
        reste = [e for e in enfants(element) if e is not legende and self.arbre.svg(e) is None]
        if not dessins:
            if bouts:
                yield Paragraphe(bouts)
            for e in reste:
                yield from self._bloc(e)
            return
        sources = [e for e in reste if _allure(e) == "source"]
        for rang, svg in enumerate(dessins):
            dit, alternative = titre_et_dessin(svg)
            dernier = rang == len(dessins) - 1
            yield Figure(
                titre or dit if rang == 0 else dit,
                svg,
                alternative or dit or titre,
                precision if rang == 0 else "",
                " ".join(texte(e) for e in sources) if dernier else "",
            )
        for e in reste:
            if e not in sources and not _cache(e) and not list(e.iter("img")):
                yield from self._bloc(e)

    def _dessin_seul(self, element) -> Iterator[Bloc]:
        """Un dessin hors figure ; sans équivalent en mots, il est décoratif et ne passe pas."""
        dessin = self.arbre.svg(element)
        titre, alternative = titre_et_dessin(dessin or "")
        if dessin is not None and (titre or alternative):
            yield Figure(titre, dessin, alternative or titre)


def _allure(element) -> str:
    return next((a for c, a in _ALLURES.items() if c in classes(element)), "texte")


def _ancre(element) -> str:
    """Ancre d'un titre : la sienne, ou celle de la section qu'il ouvre."""
    if element.get("id"):
        return element.get("id")
    parent = element.getparent()
    ouvre = parent is not None and parent.tag == "section" and parent[0] is element
    return (parent.get("id") or "") if ouvre else ""


def _ajouter(liste: list[Bout], brut: str | None, allure: Bout | None = None) -> None:
    mots = reduire(brut)
    if mots:
        a = allure or Bout("")
        liste.append(Bout(mots, a.gras, a.italique, a.petit))


def _ranger(liste: list[Bout]) -> Bouts:
    """Réunit les bouts de même allure, ôte les blancs du bord et les sauts de fin."""
    ranges: list[Bout] = []
    saut = False
    for bout in liste:
        if bout.saut and not bout.texte:
            saut = bool(ranges)
            continue
        mots = bout.texte
        if not ranges or saut or ranges[-1].texte.endswith(" "):
            mots = mots.lstrip(" ")
        if not mots:
            continue
        memes = ranges and (ranges[-1].gras, ranges[-1].italique, ranges[-1].petit) == (
            bout.gras,
            bout.italique,
            bout.petit,
        )
        if memes and not saut:
            ranges[-1] = Bout(ranges[-1].texte + mots, bout.gras, bout.italique, bout.petit, ranges[-1].saut)
        else:
            if saut and ranges:
                dernier = ranges[-1]
                ranges[-1] = Bout(
                    dernier.texte.rstrip(" "), dernier.gras, dernier.italique, dernier.petit, dernier.saut
                )
            ranges.append(Bout(mots, bout.gras, bout.italique, bout.petit, saut))
        saut = False
    if ranges:
        dernier = ranges[-1]
        ranges[-1] = Bout(
            dernier.texte.rstrip(" "), dernier.gras, dernier.italique, dernier.petit, dernier.saut
        )
    return tuple(b for b in ranges if b.texte)
