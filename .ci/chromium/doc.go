// Package chromium is empty but for its tests, which look at the page of package dashboard
// with Chromium, and have axe-core check that everybody can use it. They need the program,
// and the tag chromium:
//
//	AXE=axe.min.js go test -tags chromium .
//
// With ROTATELOG_FULL=1 they look at each state of the page in three sizes and in light
// and dark, otherwise at one. SHOTS names a directory for pictures. The module keeps all
// this away from the library.
package chromium
