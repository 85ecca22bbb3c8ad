/*
 * Import the results of napari-histoalign for the image that is open.
 *
 * How: open the image, Automate > Script editor, open this file, Run. Save the image data afterwards (Ctrl+S).
 *
 * Results are looked for beside the image, in "<image file>.histoalign/results"; where there are none, you
 * are asked for a file. Importing again replaces what was imported before, and nothing else: an object that
 * you locked, or that you gave another class, stays. Written for QuPath 0.3 to 0.7.
 */
import java.util.zip.GZIPInputStream
import qupath.lib.gui.dialogs.Dialogs
import qupath.lib.io.PathIO

// ---- what you may want to change -------------------------------------------------------------------------
// "tiles.geojson" has a tile object for each tile: needed for measurement maps, and many
def wanted = ["regions.geojson"]
// Folder with results, for example new File("/data/results/case 7"); null looks beside the image
File folder = null
// ----------------------------------------------------------------------------------------------------------

if (getCurrentImageData() == null) {
    println "Open an image first."
    return
}

// Which files
if (folder == null) {
    def uri = getCurrentServer().getURIs().find { it.getScheme() == "file" }
    if (uri != null) {
        def image = new File(uri.getPath())
        folder = new File(image.getParentFile(), image.getName() + ".histoalign/results")
    }
}
def files = wanted.collectMany { name -> [new File(folder, name), new File(folder, name + ".gz")] }
        .findAll { folder != null && it.isFile() }
if (files.isEmpty()) {
    def asked = Dialogs.promptForFile("Results of napari-histoalign", null, "GeoJSON", ".geojson", ".geojson.gz")
    if (asked == null)
        return
    files = [asked]
}

// Read everything before anything is changed; 0.3 does not unpack by itself
def found = []
files.each { file ->
    def plain = new BufferedInputStream(new FileInputStream(file))
    def stream = file.getName().endsWith(".gz") ? new GZIPInputStream(plain) : plain
    try {
        found.addAll(PathIO.readObjectsFromGeoJSON(stream))
    } finally {
        stream.close()
    }
}

// What is ours: told by the names of its measurements, or of the annotation around a whole run
def measured = { object ->
    def list = object.getMeasurementList()
    list.metaClass.respondsTo(list, "getNames") ? list.getNames() : list.getMeasurementNames()
}
def aroundRun = { object -> object.getName() != null && object.getName().startsWith("histoalign run ") }
def ours = { object -> aroundRun(object) || measured(object).any { it.startsWith("histoalign: ") } }
// Regions are named after their class, with the decision behind it
def reclassified = { object ->
    object.isAnnotation() && !aroundRun(object) && object.getName() != null &&
            object.getName().replaceAll(/ \((accepted|rejected)\)$/, "") != String.valueOf(object.getPathClass())
}
// Ids came with 0.4
def idOf = { object -> object.metaClass.respondsTo(object, "getID") ? object.getID() : null }

// Only what the files are about is replaced: tiles stay when regions are imported. A run may find no region
def kinds = found.collect { it.getClass() } as Set
def regions = files.any { it.getName().startsWith("regions.geojson") }
def concerned = { object -> kinds.contains(object.getClass()) || (regions && object.isAnnotation()) }
def before = (getAllObjects(false) as List).findAll { concerned(it) && ours(it) }
def kept = before.findAll { it.isLocked() || reclassified(it) }
def keptIds = kept.collect { idOf(it) }.findAll { it != null } as Set

removeObjects(before - kept, true)
addObjects(found.findAll { idOf(it) == null || !keptIds.contains(idOf(it)) })
fireHierarchyUpdate()

println "Imported ${found.size()} objects from ${files.collect { it.getName() }.join(', ')}; " +
        "replaced ${before.size() - kept.size()} of an earlier import, kept ${kept.size()} that you had changed."
