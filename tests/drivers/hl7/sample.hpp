// One message of results, with people's names wherever a sender may write them.
#pragma once

#include <string>

namespace hl7_test {

inline std::string sample() {
    return "MSH|^~\\&|AQ|LAB|MARROWLINK|S1|20260304090807||ORU^R01^ORU_R01|M1|P|2.5.1||||AL||8859/1\r"
           "PID|1||S-0001||Doe^Jane||19990101|F\r"
           "PV1|1||||||Physician^Good\r"
           "ORC|RE|PO-1|PLT-0001||||||||Nurse^Kind|Nurse^Kind|Physician^Good\r"
           "OBR|1|PO-1|PLT-0001|VIAB|||20260304090700|||Nurse^Kind||||||Physician^Good\r"
           "OBX|1|NM|VIAB^^L||0.91|{ratio}|0.5-1.0|N|||F|||20260304090701||Nurse^Kind\r"
           "OBX|2|NM|VIAB^^L|2|>1.2|{ratio}||H|||P\r"
           "OBX|3|SN|CD19^^L||=^12.5|%|||||F\r"
           "OBX|4|SN|CD20^^L||<^0.01|10\\S\\9/L|||||C\r"
           "OBX|5|ST|CD3||Negative\\T\\weak||||||F\r"
           "OBX|6|NM|CD4||7|%|||||W\r"
           "OBX|7|TX|NOTE||Physician Good told the parents||||||F\r"
           "OBX|8|NM|CD8||||||||X\r"
           "NTE|1||Jane Doe, told the parents\r"
           "ZPX|1|Doe\r";
}

}  // namespace hl7_test
