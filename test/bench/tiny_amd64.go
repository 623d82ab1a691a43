package main

const tinyMachine = 62 // EM_X86_64

// tinyCode is exit(0).
var tinyCode = []byte{
	0xb8, 60, 0, 0, 0, // mov eax, 60
	0x31, 0xff, // xor edi, edi
	0x0f, 0x05, // syscall
}
