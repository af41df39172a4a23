# Prints the targets of a Makefile that say what they do behind "##", and the text behind "##" at the start of a line.
/^##/ {
	sub(/^## ?/, "")
	print
	next
}
/^[a-z0-9-]+:.*[^#]## / {
	target = $0
	sub(/:.*/, "", target)
	text = $0
	sub(/.*[^#]## /, "", text)
	printf "  make %-13s %s\n", target, text
}
