package console

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The files that the console embeds are those of the packages that package-lock.json
// pins.
func TestEmbeddedFilesAreThoseOfTheLockFile(t *testing.T) {
	for file, source := range map[string]string{
		"htmx.min.js":       "htmx.org/dist/htmx.min.js",
		"uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
		"uPlot.min.css":     "uplot/dist/uPlot.min.css",
		"htmx.LICENSE":      "htmx.org/LICENSE",
		"uPlot.LICENSE":     "uplot/LICENSE",
	} {
		got, err := os.ReadFile(filepath.Join("..", "..", "internal", "console", "static", "vendor", file))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("..", "..", "node_modules", source))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not that of the locked package: cp node_modules/%s internal/console/static/vendor/", file, source)
		}
	}
}
