/*
 * Colour the tiles of napari-histoalign by one of their measurements: probability, margin or disagreement.
 *
 * How: import "tiles.geojson" first (import_results.groovy), then Automate > Script editor, open this file, Run.
 * Choose "none" to see the colours of the classes again. Written for QuPath 0.3 to 0.7; needs its window.
 */
import javafx.application.Platform
import qupath.lib.color.ColorMaps
import qupath.lib.gui.dialogs.Dialogs
import qupath.lib.gui.tools.MeasurementMapper

// ---- what you may want to change -------------------------------------------------------------------------
// For example "histoalign: P(malignant)"; null asks
String measurement = null
// Also "Magma", "Inferno", "Plasma" and others of QuPath's list
def colours = "Viridis"
// All measurements of ours lie between 0 and 1
double lowest = 0.0, highest = 1.0
// ----------------------------------------------------------------------------------------------------------

if (getCurrentImageData() == null) {
    println "Open an image first."
    return
}
def measured = { object ->
    def list = object.getMeasurementList()
    list.metaClass.respondsTo(list, "getNames") ? list.getNames() : list.getMeasurementNames()
}
def tiles = getDetectionObjects().findAll { tile -> measured(tile).any { it.startsWith("histoalign: ") } }
if (tiles.isEmpty()) {
    println "There are no tiles of napari-histoalign here. Import tiles.geojson first."
    return
}
if (measurement == null) {
    def names = measured(tiles[0]).findAll { it.startsWith("histoalign: ") } as List
    measurement = Dialogs.showChoiceDialog("Measurement map", "Colour tiles by", names + ["none"], names[0])
}
if (measurement == null)
    return

def options = getQuPath().getOverlayOptions()
if (measurement == "none") {
    Platform.runLater { options.resetMeasurementMapper() }
    return
}
def map = ColorMaps.getColorMaps().get(colours) ?: ColorMaps.getDefaultColorMap()
def mapper = new MeasurementMapper(map, measurement, tiles)
mapper.setDisplayMinValue(lowest)
mapper.setDisplayMaxValue(highest)
Platform.runLater {
    options.setFillDetections(true)
    options.setMeasurementMapper(mapper)
}
println "${tiles.size()} tiles are coloured by ${measurement}, from ${lowest} to ${highest}."
