package markdown

import (
	"slices"
	"strings"
	"testing"
)

const document = "# Title\n\n## First, look\n\nA **word** with\n[a link](#x), and `code`.\n\n- an item\n  goes on\n- another\n\n" +
	"### upload_refused\n\n```sh\n# no heading\nrotatelog doctor\n```\n\n## Table\n\n| text | what to do |\n|---|---|\n| `403` | a new key |\n"

func TestSectionsAreFoundByTheirAnchor(t *testing.T) {
	if got := Anchors(document); !slices.Equal(got, []string{"first-look", "upload_refused", "table"}) {
		t.Errorf("anchors %q", got)
	}
	if section, ok := Section(document, "upload_refused"); !ok || !strings.HasPrefix(section, "### upload_refused\n") || strings.Contains(section, "Table") {
		t.Errorf("%v %q", ok, section)
	}
	if section, ok := Section(document, "first-look"); !ok || !strings.Contains(section, "### upload_refused") {
		t.Errorf("%v %q", ok, section)
	}
	if _, ok := Section(document, "no-heading"); ok {
		t.Error("a comment in code is taken for a heading")
	}
}

func TestSectionsArePlainText(t *testing.T) {
	want := map[string]string{
		"first-look": "First, look\n\nA word with a\nlink (see x), and\ncode.\n\n- an item goes on\n- another\n\nupload_refused\n\n  # no heading\n  rotatelog doctor",
		"table":      "Table\n\ntext\n    what to do\n403\n    a new key",
	}
	for anchor, want := range want {
		section, _ := Section(document, anchor)
		if got := strings.Join(Plain(section, 17, func(target string) string { return "see " + target[1:] }), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", anchor, got, want)
		}
	}
}

func TestRowsAreFoundByTheirCode(t *testing.T) {
	want := "## Table\n\n| text | what to do |\n|---|---|\n| `403` | a new key |"
	if got, ok := Row(document, "403"); !ok || got != want {
		t.Errorf("%v %q", ok, got)
	}
	if got, ok := Row(document, "40"); ok {
		t.Errorf("found %q", got)
	}
}
