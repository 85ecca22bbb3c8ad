/*
 * Export annotations for napari-histoalign: as regions of interest, or as examples by their class.
 *
 * How: draw annotations, Automate > Script editor, open this file, Run, and choose where to save. Then
 *
 *     histoalign run slide.svs -o results --roi saved.geojson          looks only there
 *     histoalign run slide.svs -o results --examples saved.geojson     learns from their classes
 *
 * Selected annotations are exported, or all if none is selected. What napari-histoalign made is left out
 * unless you selected it, gave it another class, or locked it: lock a region to say that it is right.
 * Written for QuPath 0.3 to 0.7.
 */
import qupath.lib.gui.dialogs.Dialogs

// ---- what you may want to change -------------------------------------------------------------------------
// Where to, for example new File("/data/rois/case 7.geojson"); null asks
File file = null
// ----------------------------------------------------------------------------------------------------------

if (getCurrentImageData() == null) {
    println "Open an image first."
    return
}
def measured = { object ->
    def list = object.getMeasurementList()
    list.metaClass.respondsTo(list, "getNames") ? list.getNames() : list.getMeasurementNames()
}
def aroundRun = { object -> object.getName() != null && object.getName().startsWith("histoalign run ") }
def ours = { object -> measured(object).any { it.startsWith("histoalign: ") } }
// Regions are named after their class, with the decision behind it
def reclassified = { object ->
    object.getName() != null &&
            object.getName().replaceAll(/ \((accepted|rejected)\)$/, "") != String.valueOf(object.getPathClass())
}

def chosen = (getSelectedObjects() as List).findAll { it.isAnnotation() }
if (chosen.isEmpty())
    chosen = (getAnnotationObjects() as List).findAll { !ours(it) || it.isLocked() || reclassified(it) }
// the frame around a whole run says nothing
chosen = chosen.findAll { !aroundRun(it) }
if (chosen.isEmpty()) {
    println "There is no annotation to export. Draw one first."
    return
}
if (file == null) {
    def uri = getCurrentServer().getURIs().find { it.getScheme() == "file" }
    def image = uri == null ? null : new File(uri.getPath())
    def name = (image == null ? getCurrentServer().getMetadata().getName() : image.getName()) + " annotations"
    file = Dialogs.promptToSaveFile("Export annotations", image?.getParentFile(), name, "GeoJSON", ".geojson")
}
if (file == null)
    return

exportObjectsToGeoJson(chosen, file.getAbsolutePath(), "FEATURE_COLLECTION")
println "${chosen.size()} annotations are saved in ${file}."
