package bundle

import (
	"debug/elf"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// addModule adds the files of a module in the cache.
func (c *Contents) addModule(from *Creator, m Module) error {
	extensions := []string{".mod"}
	if m.Zip {
		extensions = append(extensions, ".info", ".zip")
	}
	for _, ext := range extensions {
		name, err := m.file(ext)
		if err != nil {
			return err
		}
		c.disk[name] = from.kept(name)
	}
	return nil
}

// addPrograms adds vmgo's own programs: "vmgo/linux-amd64/vmgo".
func (p *Plan) addPrograms(c *Contents) error {
	c.Manifest.Programs = []string{}
	for _, path := range p.request.Programs {
		platform, err := platformOf(path)
		if err != nil {
			return diag.Wrap(diag.Usage, err, path+" cannot be a program of the bundle", "vmgo bundle create --help")
		}
		name := programsDir + platform + "/" + filepath.Base(path)
		c.disk[name] = path
		c.Manifest.Programs = append(c.Manifest.Programs, name)
	}
	c.Manifest.Programs = union(c.Manifest.Programs, nil)
	return nil
}

// modeOf returns the permissions of a file of a bundle, in the archive and in a
// tree. Programs can be executed.
func modeOf(name string) fs.FileMode {
	if strings.HasPrefix(name, programsDir) {
		return 0o755
	}
	return 0o644
}

// platformOf returns the platform of a program of Linux, "linux-amd64".
func platformOf(path string) (string, error) {
	f, err := smallfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil {
		return "", err
	}
	arch, known := map[elf.Machine]string{
		elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386", elf.EM_ARM: "arm", elf.EM_RISCV: "riscv64",
		elf.EM_S390: "s390x", elf.EM_LOONGARCH: "loong64",
	}[program.Machine]
	if !known {
		return "", diag.New(diag.UnsupportedPlatform, "it is for the machine "+program.Machine.String())
	}
	return "linux-" + arch, nil
}
