# marrowlink_embed(<target> <function> <file>…): compiles text files into <target> as `std::span<EmbeddedFile const> <function>()`
# (core/embedded.hpp), each under its bare name. Run as a script, it writes that source file.
if(CMAKE_SCRIPT_MODE_FILE)
    set(body "#include \"core/embedded.hpp\"\n\nnamespace marrowlink {\nstd::span<EmbeddedFile const> ${FUNCTION}() {\n    static constexpr EmbeddedFile files[] = {\n")
    string(REPLACE "|" ";" FILES "${FILES}")
    foreach(file IN LISTS FILES)
        get_filename_component(name ${file} NAME)
        file(READ ${file} text)
        string(APPEND body "        {\"${name}\", R\"embedded(${text})embedded\"},\n")
    endforeach()
    file(WRITE ${OUTPUT} "${body}    };\n    return files;\n}\n}  // namespace marrowlink\n")
    return()
endif()

set(MARROWLINK_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(marrowlink_embed target function)
    set(output ${CMAKE_BINARY_DIR}/embedded/${function}.cpp)
    string(REPLACE ";" "|" joined "${ARGN}")
    add_custom_command(OUTPUT ${output} DEPENDS ${ARGN} ${MARROWLINK_EMBED_SCRIPT} VERBATIM
        COMMAND ${CMAKE_COMMAND} -DFUNCTION=${function} -DOUTPUT=${output} "-DFILES=${joined}" -P ${MARROWLINK_EMBED_SCRIPT})
    target_sources(${target} PRIVATE ${output})
endfunction()
