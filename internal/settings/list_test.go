package settings

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestListSaysWhereEachSettingComesFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write(t, file, "ROTATELOG_NAME=all_api,merge\nROTATELOG_DIR=/file\nROTATELOG_COUNT_MERGE=c\nMIRROR_AWS_SECRET_ACCESS_KEY=HIDDENHIDDENLAST\nAPI_KEY=HIDDEN\n")
	s := load(t, Sources{Config: file, Flags: map[string]string{"store": "file:///x"},
		Environ: []string{"PATH=/bin", "AWS_ACCESS_KEY_ID=HIDDENHIDDENTAIL", "ROTATELOG_STORE_MERGE=file:///y"}})
	var list strings.Builder
	for _, setting := range s.List() {
		fmt.Fprintf(&list, "%s %s %s\n", setting.Name, setting.Text, setting.Origin)
	}
	want := `--dir /file ROTATELOG_DIR in FILE, line 2
--name all_api,merge ROTATELOG_NAME in FILE, line 1
--store file:///x --store
ROTATELOG_COUNT_MERGE c ROTATELOG_COUNT_MERGE in FILE, line 3
AWS_ACCESS_KEY_ID …TAIL AWS_ACCESS_KEY_ID in the environment
MIRROR_AWS_SECRET_ACCESS_KEY …LAST MIRROR_AWS_SECRET_ACCESS_KEY in FILE, line 4
`
	if got := strings.ReplaceAll(list.String(), file, "FILE"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
