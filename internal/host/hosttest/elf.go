package hosttest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// program is what a made-up ELF file says of itself.
type program struct {
	interpreter string // dynamic loader; empty for a static program
	release     string // of Go, as build information has it: go1.22.5
	path        string // package of the program
}

// image builds the smallest x86-64 ELF file that debug/elf and debug/buildinfo
// can read: a header, two program headers and what they point at. It cannot be
// run.
func (p program) image() []byte {
	const base, headerSize, entrySize = 0x400000, 64, 56
	info := p.buildInfo()
	interpreter := append([]byte(p.interpreter), 0)
	infoAt := uint64(headerSize + 2*entrySize)
	infoAt = (infoAt + 15) &^ 15 // the mark is looked for at multiples of 16
	interpreterAt := infoAt + uint64(len(info))
	entries := []elf.Prog64{{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: infoAt, Vaddr: base + infoAt,
		Filesz: uint64(len(info)), Memsz: uint64(len(info)), Align: 16,
	}}
	if p.interpreter != "" {
		entries = append(entries, elf.Prog64{
			Type: uint32(elf.PT_INTERP), Flags: uint32(elf.PF_R), Off: interpreterAt, Vaddr: base + interpreterAt,
			Filesz: uint64(len(interpreter)), Memsz: uint64(len(interpreter)), Align: 1,
		})
	}
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: headerSize, Ehsize: headerSize, Phentsize: entrySize, Phnum: uint16(len(entries)), Shentsize: 64,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	var out bytes.Buffer
	_ = binary.Write(&out, binary.LittleEndian, header) // a Buffer takes everything
	_ = binary.Write(&out, binary.LittleEndian, entries)
	out.Write(make([]byte, int(infoAt)-out.Len()))
	out.Write(info)
	out.Write(interpreter)
	return out.Bytes()
}

// buildInfo is the block that the linker writes since Go 1.18: a mark, the
// pointer size, flags (2: strings follow), then the release and the module
// information, each with its length before it.
func (p program) buildInfo() []byte {
	if p.release == "" {
		return make([]byte, 16)
	}
	block := make([]byte, 32)
	copy(block, "\xff Go buildinf:\x08\x02")
	sentinel := "0123456789abcdef"
	for _, s := range []string{p.release, sentinel + "path\t" + p.path + "\n" + sentinel} {
		block = binary.AppendUvarint(block, uint64(len(s)))
		block = append(block, s...)
	}
	return block
}
