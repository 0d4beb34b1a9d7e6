// The contracts of the editor: what its modules, host.js and host/ hand to each other. Types only, nothing runs here.

/**
 * @typedef {number[]} Box   x0, y0, x1, y1 in fractions of the picture, origin top left; in whole pixels where said.
 * @typedef {number[]} Pair  x, y of a point, a shift or a size in fractions of the picture, or in pixels where said.
 */

/**
 * One instance: where it is and what it is. Keys that this version does not know travel along. A value that the editor
 * has not written may lack keys; document.js says what they mean then.
 * @typedef Region
 * @property {string} id
 * @property {Box} box
 * @property {string} [description]
 * @property {string} [negative]
 * @property {number} [strength]
 * @property {boolean} [enabled]
 * @property {boolean} [locked]
 * @property {string} [color]
 * @property {boolean} [behind]  it gives way to all regions that are not behind
 * @property {Mask} [mask]    the part of the box that belongs to the region; all of it where there is none
 * @property {Keyframe[]} [keyframes]  its boxes over time
 * @property {StrengthKey[]} [strengths]  over the noise schedule
 * @property {number} [start]  of the noise schedule, from which on
 * @property {number} [end]    and until where it is there: 0 to 1
 * @property {boolean} [ghost]  shown, but not in the document: it has come in from outside
 */

/**
 * A painted mask over its region's box, row by row: runs are the lengths of parts outside and inside in turns, outside
 * first.
 * @typedef {{ width: number, height: number, runs: number[] }} Mask
 */

/** @typedef {{ frame: number, box: Box }} Keyframe  A box at a picture of the batch; it may lie beyond the picture. */

/** @typedef {{ at: number, strength: number }} StrengthKey  The strength at a share of the noise schedule, 0 to 1. */

/** @typedef {Partial<Region>} RegionItem  What becomes a region when a document takes it in. */

/**
 * The value that is edited; never changed in place.
 * @typedef RegionDocument
 * @property {number} version
 * @property {number} width   pixels
 * @property {number} height  pixels
 * @property {string} [overlap]  whose is what several regions have, one of OVERLAPS
 * @property {Region[]} regions
 */

/**
 * A document that regions were added to, with their ids, and what is to be said of it.
 * @typedef {{ doc: RegionDocument, ids: Selection, said: Problem[] }} Joined
 */

/**
 * What a row says of its region. short: on a small mark; long: the sentence behind it; warns: not what was meant.
 * @typedef {{ short: Problem, long: Problem, warns?: boolean }} Note
 */

/**
 * A text as the text encoder reads it. unknown: tokens that stand for pieces that it does not know, of which lost are
 * the first; marks: what other tools would act on and this one reads as words.
 * @typedef {{ tokens: number, unknown: number, lost: string[], marks: string[], nothing?: boolean }} TokenCount
 */

/** @typedef {string[]} Selection  Ids of the regions that are chosen, in the order in which they were. */

/**
 * @typedef {[text: string, values?: Record<string, unknown>]} Problem  An English sentence and what fills its
 *   {placeholders}; translated when it is said.
 */

/**
 * What a person likes, kept in the browser.
 * @typedef Preferences
 * @property {"draw" | "select" | "paint" | "erase"} tool  what a gesture does: in an empty place, the brush anywhere
 * @property {number} brushShare       its diameter as a share of the picture's shorter side
 * @property {boolean} magnet          whether lines attract
 * @property {number} grid             pixels, 0 for none
 * @property {"auto" | "connected" | "last" | "none"} picture
 * @property {number} brightness       of the picture, 0 to 1
 * @property {"all" | "chosen" | "none"} labels  whose texts are shown in the boxes
 * @property {string[]} texts          kept to be used again
 */

/** @typedef {{ shift: boolean, alt: boolean, ctrl: boolean }} Mods  Keys that are held. */

/**
 * What a gesture starts from.
 * @typedef Scene
 * @property {RegionDocument} doc
 * @property {Selection} selection
 * @property {Pair} unit  fractions of the picture that one screen pixel is
 * @property {Preferences["tool"]} tool
 * @property {number} grid
 * @property {boolean} magnet
 * @property {boolean} touch  fingers, not a mouse
 * @property {number} brush   its diameter in pixels of the picture
 */

/** @typedef {"nw" | "n" | "ne" | "e" | "se" | "s" | "sw" | "w"} Handle */

/** @typedef {{ at: number, from?: number, to?: number }} Line  Attracts on one axis; from..to: extent on the other. */
/** @typedef {{ shift: number, line?: Line } | null} Snap  What brings an edge to rest, and on which line. */
/** @typedef {{ axis: number, at: number, from: number, to: number }} Guide  A line to draw. */

/**
 * A press of the pointer and all its moves until it is released. A value: each move makes a new one.
 * @typedef Gesture
 * @property {"draw" | "move" | "copy" | "resize" | "marquee" | "paint"} kind
 * @property {Scene} scene
 * @property {Pair} origin             where it was pressed
 * @property {boolean} moved           further than a click may wander
 * @property {RegionDocument} doc      as the gesture would leave it now
 * @property {Selection} selection     as the gesture would leave it now
 * @property {Selection} [onClick]     the selection if it is released in place
 * @property {Handle} [handle]         of a resize
 * @property {Box | null} rubber       the box being drawn, or around what is being selected
 * @property {Guide[]} guides          lines on which something rests
 * @property {Box} [measured]          the box whose numbers are shown
 * @property {boolean} [erase]         of painting
 * @property {string} [target]         the region that is painted; a new one where there is none
 * @property {number} [lost]           new regions that there is no room for
 * @property {import("./mask.js").Canvas} [canvas]  what is painted so far
 * @property {Pair} [last]             and where the brush was
 * @property {RegionDocument} [base]   from here on once it has moved: the document that moves are applied to,
 * @property {Region[]} [moving]       the regions it changes,
 * @property {Box | null} [frame]      the box around them
 * @property {Line[][]} [lines]        and what attracts, per axis
 */

/**
 * What the stage shows.
 * @typedef Shown
 * @property {RegionDocument} doc
 * @property {Selection} selection
 * @property {RegionItem[]} [ghosts]
 * @property {Guide[]} [guides]
 * @property {Box | null} [rubber]
 * @property {boolean} [marquee]  the rubber selects, it does not draw
 * @property {Box} [measured]
 */

/**
 * Addresses: the picture given to the node, the newest made from these regions, and the same made without them.
 * @typedef {{ connected?: string, last?: string, without?: string }} Pictures
 */

/**
 * Boxes that arrive from outside: they count while nothing is drawn, instead of what is drawn, or in addition to it.
 * overlap: as the document has it that they are from.
 * @typedef {{ regions?: Region[], overlap?: string, mode?: "when empty" | "always" | "add",
 *   reading?: Reading }} Incoming
 */

/**
 * How the server read foreign boxes. doc: their regions, those of texts without a place have no box; whole: it was
 * a region document; summary and notes: sentences about it; said: the same to be translated; layout, units and size (of
 * the boxes' own picture) as used.
 * @typedef {{ doc?: RegionDocument, whole?: boolean, summary: string, notes: string[], said: Sentence[],
 *   layout: string, units: string, size: number[], error?: string }} Reading
 */

/** @typedef {[template: string, values: Record<string, any>]} Sentence  Values may be sentences. */

/** @typedef {{ layout?: string, units?: string, size?: number[] }} ReadingOptions  What is set by hand. */
/** @typedef {ReadingOptions & { text: string, width: number, height: number }} ReadingRequest */

/**
 * All that the editor may ask of the page which shows it. The page may drop an editor at any time and make another one
 * for the same value: undo does. What a new editor has to take over, the host remembers.
 * @typedef Host
 * @property {(text: string) => void} changed    The value is this text now.
 * @property {(ids: Selection) => void} selected  For the editor that comes after this one.
 * @property {() => void} addUndoStep            All that has changed since the last call becomes one step for undo.
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {(event: KeyboardEvent, inField: boolean, typed: boolean) => boolean} takeUndoKey
 *   A key was pressed; inField: in a field, typed: whose contents have an undo of their own. True: the key is used up.
 * @property {{ zoom?: number, shift?: number[], frame?: number | null }} memory  for the editor after this one
 * @property {boolean} fullScreen
 * @property {() => void} toggleFullScreen
 * @property {() => Pictures} pictures
 * @property {() => boolean} compare             Make the newest picture without the regions; false where there is none.
 * @property {() => Incoming | null} incoming
 * @property {string} reader                    names the text encoder that will read the texts
 * @property {(texts: string[]) => Promise<TokenCount[] | null>} countTokens  by it; null where nobody can say
 * @property {(asked: ReadingRequest) => Promise<Reading | null>} readBoxes  null where the server does not answer
 * @property {(options: ReadingOptions) => void} setReading  how incoming boxes are read from the next run on
 * @property {(mode: string) => void} adopted    Incoming boxes became the editor's own: how they count from now on.
 */

/**
 * All that a host may ask of the editor.
 * @typedef Hosted
 * @property {HTMLElement} panel  what is shown; may be moved elsewhere at any time
 * @property {string} value       set: from outside, any form; get: JSON text
 * @property {string} sent        the value as a run gets it
 * @property {() => void} draw
 * @property {() => void} showChosen  what has been moved elsewhere is scrolled to its beginning
 * @property {(ids: Selection) => void} select
 * @property {() => boolean} focus  take the keyboard; false while the editor is not shown
 * @property {(element: Element) => Element | null} scrollerOf  the part of the editor that scrolls at `element`
 * @property {(active: Element, event: ClipboardEvent) => boolean} takesClipboard  whether copy, cut or paste is its own
 * @property {(event: ClipboardEvent) => void} handleClipboard  copy, cut or paste
 */

export {};
